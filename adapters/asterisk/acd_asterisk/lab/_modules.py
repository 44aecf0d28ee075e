"""Which modules of Asterisk the lab loads: few, so that an instance boots in a third of a second.

Owns: the list, with the dependencies that `autoload=no` makes us name. Must not know: anything else.
"""

from __future__ import annotations

REQUIRED_MODULES = (
    # Foundations, in the order their dependants need them.
    *("res_timing_timerfd", "res_crypto", "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb"),
    *("res_pjproject", "res_http_websocket", "res_musiconhold", "res_manager_devicestate"),
    # Codecs and file formats.
    *("codec_ulaw", "codec_alaw", "codec_a_mu", "codec_gsm", "codec_resample", "codec_g722"),
    *("format_gsm", "format_pcm", "format_wav", "format_sln"),
    # SIP.
    *("res_rtp_asterisk", "res_rtp_multicast", "res_pjsip", "res_pjsip_pubsub", "res_pjsip_session"),
    *("res_pjsip_sdp_rtp", "res_pjsip_caller_id", "res_pjsip_nat", "res_pjsip_rfc3326", "res_pjsip_diversion"),
    *("res_pjsip_endpoint_identifier_user", "res_pjsip_endpoint_identifier_ip"),
    *("res_pjsip_endpoint_identifier_anonymous", "res_pjsip_authenticator_digest", "res_pjsip_registrar"),
    *(
        "res_pjsip_outbound_authenticator_digest",
        "res_pjsip_outbound_registration",
        "res_pjsip_path",
        "res_pjsip_acl",
        "res_pjsip_logger",
    ),
    *("res_pjsip_header_funcs", "res_pjsip_dtmf_info", "res_pjsip_refer", "res_pjsip_dlg_options"),
    *("func_pjsip_endpoint", "func_pjsip_aor", "func_pjsip_contact", "chan_pjsip", "chan_rtp"),
    # Bridges.
    *("bridge_simple", "bridge_holding", "bridge_softmix", "bridge_native_rtp", "bridge_builtin_features"),
    *("bridge_builtin_interval_features", "chan_bridge_media"),
    # ARI.
    *("res_stasis", "res_stasis_answer", "res_stasis_playback", "res_stasis_recording", "res_stasis_snoop"),
    *("res_stasis_device_state", "res_websocket_client", "res_ari", "res_ari_model", "res_ari_applications"),
    *("res_ari_asterisk", "res_ari_bridges", "res_ari_channels", "res_ari_device_states"),
    *("res_ari_endpoints", "res_ari_events", "res_ari_playbacks", "res_ari_recordings", "res_ari_sounds"),
    "app_stasis",
    # The record of who was in which bridge.
    *("res_cdrel_custom", "cel_custom"),
    # The dialplan.
    *("pbx_config", "app_dial", "app_queue", "app_playback", "app_record", "app_read", "app_verbose"),
    *("app_userevent", "app_stack", "app_exec", "app_while", "app_echo", "app_senddtmf", "app_softhangup"),
    *("app_originate", "app_channelredirect", "app_bridgewait", "app_chanspy", "app_mixmonitor"),
    *("app_blind_transfer", "app_attended_transfer", "app_transfer", "app_talkdetect", "func_base64"),
    *("func_callerid", "func_channel", "func_cut", "func_db", "func_devstate", "func_dialplan", "func_env"),
    *("func_global", "func_groupcount", "func_hangupcause", "func_json", "func_logic", "func_math"),
    *("func_module", "func_rand", "func_sprintf", "func_strings", "func_timeout", "func_uri", "func_uuid"),
    *("func_volume", "func_periodic_hook", "func_holdintercept", "func_talkdetect"),
)
"""Loaded into every instance; provisioning proves that all their libraries resolve."""

WEBRTC_MODULES = (
    "res_srtp",
    "res_pjsip_transport_websocket",
    "res_format_attr_opus",
    "codec_opus_open_source",
)
"""Loaded into an instance that browsers reach; res_crypto and res_http_websocket are loaded into every one."""

ABSENT_IN_16 = frozenset({"res_websocket_client", "res_cdrel_custom", "func_uuid"})
"""What Asterisk 16 does not have: WebSockets that it opens itself, its record of channels in our form, and UUIDs."""

RECORDING_MODULES = frozenset({"res_cdrel_custom", "cel_custom"})
"""What writes the record of who was in which bridge."""
