"""Options of queues.conf that no setting of the engine follows, and why not. Asterisk 16 to 22, FreePBX, Issabel.

Owns these reasons. Must not know how the others are mapped (`settings`).
"""

from typing import Final

from acd_asterisk.importing.members import is_true

_SOUND: Final = (
    "what callers are told is one set of sounds for each language, of all queues: [channels.NAME.sounds.any], see "
    "ANNOUNCEMENTS.md"
)
_TO_AGENTS: Final = "agents hear the caller at once, or after the queue's briefing: nothing else delays the two"
_RECORDED: Final = "calls are recorded as [channels.NAME.recording] says (mode, format, queues), see RECORDING.md"
_VARIABLES: Final = (
    "the caller's channel has ACD_QUEUE, ACD_AGENT and others instead while they talk, with set_on_connect in "
    "[channels.NAME.data]"
)
_ENTERING: Final = "the queue_log says of callers what `caller` in [queue_log] says, see QUEUELOG.md"
_FREEPBX: Final = "a setting of the page that made this file: app_queue itself does nothing with it"
_GONE: Final = "Asterisk itself has had no such option since version 12 or earlier"

LEFT: Final[dict[str, str]] = {
    "queue-callerannounce": "callers hear music until they hear the agent: nothing is said between the two",
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
    "context": "which keys lead out of the queue is said by [channels.NAME.queues.QUEUE.keys], see ANNOUNCEMENTS.md",
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
    "log_membername_as_agent": "the queue_log has the agent's id, which the API has, too: see QUEUELOG.md",
    "log_unpause_on_reason_change": "another reason for a break is no end of it: the queue_log has PAUSE again",
    "log-caller-id-name": _ENTERING,
    "log-restricted-caller-id": _ENTERING,
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
    if option.startswith("queue-"):
        # Asterisk's own sound is what is shipped here, too.
        return value in _OFF or value.startswith(_SILENT) or value.replace("-", "") == option.replace("-", "")
    return value in _OFF
