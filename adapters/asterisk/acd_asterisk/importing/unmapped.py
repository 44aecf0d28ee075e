"""Options of queues.conf that no setting of the engine follows, and why not. Asterisk 16 to 22, FreePBX, Issabel.

Owns these reasons. Must not know how the others are mapped (`settings`).
"""

from typing import Final

from acd_asterisk.importing.members import is_true

_ANNOUNCED: Final = (
    "not taken over: what callers hear while they wait is set up in [channels.NAME.queues.QUEUE], see ANNOUNCEMENTS.md"
)
_TO_AGENTS: Final = "agents hear the caller at once, or after the queue's briefing: nothing else delays the two"
_SOUND: Final = f"a sound of announcements: {_ANNOUNCED}"
_RECORDED: Final = "recording is the dialplan's: MixMonitor() before Stasis()"
_VARIABLES: Final = "no such variables are set; the API and its events tell who talks with whom, and since when"
_LOGGED: Final = "no queue_log is written; GET /v1/events tells everything that happens"
_FREEPBX: Final = "a setting of the page that made this file: app_queue itself does nothing with it"
_GONE: Final = "Asterisk itself has had no such option since version 12 or earlier"

LEFT: Final[dict[str, str]] = {
    "announce": "what agents hear before the caller is a matter of the PBX: [channels.NAME.queues.QUEUE] briefing",
    "announce-frequency": _ANNOUNCED,
    "announce-holdtime": _ANNOUNCED,
    "announce-position": _ANNOUNCED,
    "announce-position-limit": _ANNOUNCED,
    "announce-position-only-up": _ANNOUNCED,
    "announce-round-seconds": _ANNOUNCED,
    "announce-to-first-user": _ANNOUNCED,
    "min-announce-frequency": _ANNOUNCED,
    "periodic-announce": _ANNOUNCED,
    "periodic-announce-frequency": _ANNOUNCED,
    "periodic-announce-startdelay": _ANNOUNCED,
    "random-periodic-announce": _ANNOUNCED,
    "relative-periodic-announce": _ANNOUNCED,
    "queue-callerannounce": _ANNOUNCED,
    "queue-callswaiting": _SOUND,
    "queue-holdtime": _SOUND,
    "queue-lessthan": _SOUND,
    "queue-minute": _SOUND,
    "queue-minutes": _SOUND,
    "queue-quantity1": _SOUND,
    "queue-quantity2": _SOUND,
    "queue-reporthold": _SOUND,
    "queue-seconds": _SOUND,
    "queue-thankyou": _SOUND,
    "queue-thereare": _SOUND,
    "queue-youarenext": _SOUND,
    "memberdelay": _TO_AGENTS,
    "reportholdtime": _TO_AGENTS,
    "context": "callers leave a queue by hanging up or by max_wait; keys are not listened to while they wait",
    "membergosub": "nothing is run on the agent's channel before it is connected",
    "membermacro": "nothing is run on the agent's channel before it is connected",
    "monitor-format": _RECORDED,
    "monitor-join": _RECORDED,
    "monitor-type": _RECORDED,
    "setinterfacevar": _VARIABLES,
    "setqueueentryvar": _VARIABLES,
    "setqueuevar": _VARIABLES,
    "autopausebusy": "an agent whose phone is busy is asked again after retry_after, and stays ready",
    "autopausedelay": "an agent who does not answer is made not-ready at once, or never",
    "timeoutrestart": "a phone that is busy ends the offer; the next agent has the whole offer_timeout",
    "timeoutpriority": "an offer always has its whole offer_timeout; how long callers wait at most is max_wait",
    "updatecdr": "Asterisk writes its CDRs as ever, with the agent's channel as it is",
    "log_membername_as_agent": _LOGGED,
    "log_unpause_on_reason_change": _LOGGED,
    "log-caller-id-name": _LOGGED,
    "log-restricted-caller-id": _LOGGED,
    "eventmemberstatus": _GONE,
    "eventmemberstatusoff": _GONE,
    "eventwhencalled": _GONE,
    "ignorebusy": _GONE,
    "keepstats": _GONE,
    "roundingtime": _GONE,
    "realtime_rules": "rules in a database are not in these files: write their times into level_delays",
    "answered_elsewhere": "phones that stop ringing for others are told by Asterisk, as ever",
    "cron_random": _FREEPBX,
    "cron_schedule": _FREEPBX,
    "recording": _FREEPBX,
    "rvolume": _FREEPBX,
    "rvol_mode": _FREEPBX,
    "skip_joinannounce": _FREEPBX,
    "use_queue_context": _FREEPBX,
}
"""Option → the reason."""

ANYWAY: Final[dict[str, tuple[frozenset[bool], str, str]]] = {
    "autofill": (
        frozenset({True}),
        "everybody who can be served is served at once",
        "callers who wait are served as soon as there are agents, not one after the other",
    ),
    "ringinuse": (
        frozenset({False}),
        "nobody is rung during a call of this engine",
        "agents have one call at a time; give those who may have more a capacity",
    ),
    "persistentmembers": (
        frozenset({True}),
        "who is signed in outlives a restart",
        "who is signed in outlives a restart; sign agents out over the API",
    ),
    "shared_lastcall": (
        frozenset({True}),
        "wrap-up and idle time are the agent's, whatever the queue",
        "wrap-up and idle time are the agent's in all queues, not of one queue each",
    ),
    "negative_penalty_invalid": (
        frozenset({True, False}),
        "only members from a database can have a negative penalty",
        "",
    ),
}
"""Option → the values that hold here anyway, what that is, and what is different with another value."""

_OFF: Final = frozenset({"", "0", "no", "false", "off", "never", "none", "n", "f"})
_SILENT: Final = "silence/"


def is_off(option: str, value: str) -> bool:
    """Whether a value of an option in `LEFT` asks for nothing, so that nothing is lost."""
    value = value.strip().lower()
    if option == "timeoutpriority":
        return value == "app"
    if option.startswith("log-restricted"):
        return is_true(value)
    return value in _OFF or (option.startswith("queue-") and value.startswith(_SILENT))
