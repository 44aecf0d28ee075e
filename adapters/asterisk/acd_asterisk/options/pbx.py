"""The options of `[channels.NAME]` with `type = "asterisk"`: their names, bounds, defaults and checks.

Owns validation. Must not know what an option does, and does no IO. Options that belong to one part of the adapter
stand in a table of their own, with a module of its own beside this one.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from acd.core import limits
from acd_asterisk.ari import MAX_CONNECTIONS
from acd_asterisk.media import MUSIC_CLASS
from acd_asterisk.menus.plan import MENU_PREFIX, Menu
from acd_asterisk.names import MAX_APP
from acd_asterisk.options.ami import LOOPBACK, AmiOptions, read_ami
from acd_asterisk.options.browser_phones import BrowserPhoneOptions, browser_cautions, read_browser_phones
from acd_asterisk.options.callbacks import CallbackOptions, read_callbacks
from acd_asterisk.options.codes import CodeOptions, read_codes
from acd_asterisk.options.confirm import ConfirmOptions, read_confirm
from acd_asterisk.options.data import DataOptions, read_data
from acd_asterisk.options.devices import DeviceOptions, read_devices
from acd_asterisk.options.known_queues import check_queues
from acd_asterisk.options.menus import menu_cautions, read_menus
from acd_asterisk.options.password import Password
from acd_asterisk.options.phones import ANY_NAME, Phones, read_phones
from acd_asterisk.options.queues import Answer, QueueOptions, read_answer, read_queues
from acd_asterisk.options.reader import HOUR_US, SECOND_US, Reader
from acd_asterisk.options.recording import Recording, read_recording
from acd_asterisk.options.sounds import ANY_LANGUAGE, Sounds, read_sounds, sound_cautions
from acd_asterisk.options.survey import SurveyOptions, read_survey
from acd_asterisk.options.transfers import TransferOptions, read_transfers
from acd_asterisk.options.waiting import Waiting
from acd_asterisk.options.without_ari import check_without_ari
from acd_asterisk.translate import clean_name, clean_number, is_queue_name
from acd_asterisk.variables import STANDARD_VARIABLES, VARIABLE_NAME

MAX_VARIABLES: Final = 32
"""Channel variables to fetch besides the standard ones."""

_APP: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_APP}}}")
_USER: Final = re.compile(r"[^\x00-\x20:\x7f-\xa0]{1,128}")


_PORTS: Final = {"http": 80, "https": 443}

Control = Literal["ari", "ami"]

_ELSEWHERE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("keys", "greeting", "position", "every", "briefing"), "queues.QUEUE"),
    "announcements": "sounds.LANGUAGE.announcements",
    "dial": "callbacks",
}
"""Options that are looked for in the channel's own table, and the tables that they belong into."""


class Options(Struct, frozen=True, kw_only=True):
    """Everything that can be chosen for one PBX. Durations in µs end in `_us`."""

    control: Control = "ari"
    """By what calls are moved. `ami` is for a PBX without ARI; then `url`, `user` and `password` are not ARI's."""
    url: str
    """Without a slash at the end: `http://127.0.0.1:8088/ari`."""
    user: str
    password: Password
    app: str = "acd"
    queue: str = ""
    """For callers whose dialplan names none."""
    menu: str = ""
    """Where those callers begin instead, if any."""
    menus: tuple[Menu, ...] = ()
    codes: CodeOptions = CodeOptions()
    transfers: TransferOptions = TransferOptions()
    callbacks: CallbackOptions = CallbackOptions()
    phones: Phones = Phones()
    browser_phones: BrowserPhoneOptions | None = None
    """Which of them are pages in a browser, if any."""
    confirm: ConfirmOptions = ConfirmOptions()
    queues: Mapping[str, QueueOptions] = {}
    data: DataOptions = DataOptions()
    """What goes with a call besides voice."""
    answer: Answer = "at-once"
    """When callers who wait are answered; whoever gets into a menu is at once."""
    caller_id: str = "caller"
    """What agents see: `caller`, or a fixed number; empty: whatever Asterisk makes of it."""
    ring_margin_us: int = 5 * SECOND_US
    """How much longer than the offer a device rings at most, should nobody take the offer back."""
    heartbeat_us: int = 10 * SECOND_US
    """How often the dead-man's switch of a waiting caller is wound up; 0: never."""
    dead_man_us: int = 30 * SECOND_US
    """How long a caller stays after the last heartbeat before the dialplan's `T` extension has them."""
    reconcile_us: int = 60 * SECOND_US
    """How often the PBX is looked at while it is connected, for what has been lost; 0: never."""
    connections: int = 64
    rest_deadline_us: int = 2 * SECOND_US
    """For one request; a verb may take two, and the runtime gives an effect 5 s by default."""
    rest_over_websocket: bool = True
    """Where Asterisk can (20.14, 21.9, 22.4 and later): quicker than HTTP."""
    music_class: str = "default"
    variables: tuple[str, ...] = STANDARD_VARIABLES
    """Channel variables to fetch when they did not come with the call."""
    fetch_variables: bool = True
    on_cancel: Literal["continue", "hangup"] = "continue"
    """What becomes of a caller whose waiting was cancelled: back to the dialplan, or the end."""

    ami: AmiOptions | None = None
    """For the states of devices and trunks, beside ARI."""
    recording: Recording = Recording()
    survey: SurveyOptions = SurveyOptions()
    """What callers are asked when the agent has hung up."""
    devices: DeviceOptions = DeviceOptions()
    """Whether they keep calls from agents."""
    sounds: Mapping[str, Sounds] = {}
    """What callers who wait are told, by language; see `sounds_for`."""

    def sounds_for(self, language: str) -> Sounds:
        """The sounds of a language: its own, its family's (`zh` for `zh_CN`), those for all, the shipped ones."""
        family = language.replace("-", "_").partition("_")[0]
        found = (self.sounds.get(each) for each in (language, family, ANY_LANGUAGE))
        return next((sounds for sounds in found if sounds is not None), Sounds())

    def waiting_in(self, queue: str) -> Waiting:
        """What callers who wait in a queue hear and may press."""
        own = self.queues.get(queue)
        return Waiting() if own is None else own.waiting

    def music_in(self, queue: str) -> str:
        """The class of music for callers of a queue."""
        return self.waiting_in(queue).music_class or self.music_class

    @property
    def music_classes(self) -> tuple[str, ...]:
        """Every class of music that somebody may hear, that of the channel first."""
        own = (queue.waiting.music_class for queue in self.queues.values())
        return tuple(dict.fromkeys((self.music_class, *(each for each in own if each))))

    @property
    def promising_callbacks(self) -> tuple[str, ...]:
        """The queues whose callers may ask by key to be called back."""
        return tuple(queue for queue, own in self.queues.items() if "callback" in own.waiting.keys.values())

    @property
    def cautions(self) -> tuple[tuple[str, str, str], ...]:
        """What works and had better be otherwise: key, reason, fix."""
        of_ami = () if self.ami is None else self.ami.cautions
        found = (*((f"ami.{key}", reason, fix) for key, reason, fix in of_ami), *menu_cautions(self.menus))
        found = (*found, *((f"transfers.{key}", reason, fix) for key, reason, fix in self.transfers.cautions))
        of_browsers = browser_cautions(self.browser_phones)
        found = (*found, *((f"browser_phones.{key}", reason, fix) for key, (reason, fix) in of_browsers.items()))
        found = (*found, *((f"callbacks.{key}", reason, fix) for key, reason, fix in self.callbacks.cautions))
        found = (*found, *((f"sounds.{key}", reason, fix) for key, reason, fix in sound_cautions(self.sounds)))
        if self.control == "ari":
            found = (*found, *self.password.cautions)
        url = urlsplit(self.url)
        if url.scheme == "http" and url.hostname not in LOOPBACK:
            reason = "the PBX's password travels in clear"
            return (("url", reason, "use https, or a tunnel"), *found)
        return found

    @property
    def far_end(self) -> str:
        """The PBX and the application there: no two channels can have the same."""
        if self.ami is not None and self.control == "ami":
            host, port, path = self.ami.host, self.ami.port, ""
        else:
            parts = urlsplit(self.url)
            host, port, path = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0), parts.path
        shown = f"[{host}]" if ":" in host else host
        return f"the application {self.app} at {'127.0.0.1' if host in LOOPBACK else shown}:{port}{path}"

    @property
    def way_in(self) -> str:
        """The queue for callers whose dialplan names none, or their menu in the form of one; empty: there is none."""
        return f"{MENU_PREFIX}{self.menu}" if self.menu else self.queue


def read_options(name: str, given: Mapping[str, object]) -> Options:
    """Check everything; raises `ConfigError` with every problem at once."""
    reader = Reader(f"channels.{name}", given, what="an Asterisk channel", elsewhere=_ELSEWHERE)
    control: Control = reader.choice("control", "ari", "ami")
    ami = read_ami(reader)
    url, user, password = _access(reader) if control == "ari" else _without_ari(reader, ami)
    options = Options(
        control=control,
        url=url,
        user=user,
        password=password,
        app=reader.pattern("app", "acd", _APP, f"letters, digits, - and _, at most {MAX_APP}"),
        queue=_queue(reader),
        menu=(menu := reader.text("menu", "") or ""),
        menus=read_menus(reader, menu),
        codes=read_codes(reader.table("codes", "feature codes")),
        transfers=read_transfers(reader.table("transfers", "transfers by telephone")),
        callbacks=read_callbacks(reader.table("callbacks", "calling back")),
        phones=(phones := read_phones(reader)),
        browser_phones=read_browser_phones(reader),
        confirm=read_confirm(reader.table("confirm", "accepting by key"), phones.agents),
        queues=read_queues(reader),
        data=read_data(reader),
        answer=read_answer(reader),
        caller_id=_caller_id(reader),
        ring_margin_us=reader.duration("ring_margin", 5 * SECOND_US, SECOND_US, 600 * SECOND_US),
        heartbeat_us=reader.duration("heartbeat", 10 * SECOND_US, 0, HOUR_US),
        dead_man_us=reader.duration("dead_man", 30 * SECOND_US, 2 * SECOND_US, 24 * HOUR_US),
        reconcile_us=reader.duration("reconcile_every", 60 * SECOND_US, 0, HOUR_US),
        connections=reader.integer("connections", 64, 4, MAX_CONNECTIONS),
        rest_deadline_us=reader.duration("rest_deadline", 2 * SECOND_US, SECOND_US // 10, 60 * SECOND_US),
        rest_over_websocket=reader.flag("rest_over_websocket", default=True),
        music_class=reader.pattern("music_class", "default", MUSIC_CLASS, "a class of musiconhold.conf"),
        variables=_variables(reader),
        fetch_variables=reader.flag("fetch_variables", default=True),
        on_cancel=reader.choice("on_cancel", "continue", "hangup"),
        recording=read_recording(reader.table("recording", "recordings")),
        survey=read_survey(reader.table("survey", "the survey")),
        devices=read_devices(reader, has_ami=reader.has("ami")),
        ami=ami,
        sounds=read_sounds(reader),
    )
    _check_together(reader, options, getattr(given, "queues", None))
    reader.finish()
    return options


def _check_together(reader: Reader, options: Options, known: Collection[str] | None) -> None:
    """What is wrong only beside something else. `known`: all queues there are, if that is known."""
    if known is not None:
        check_queues(reader, options, known)
    check_without_ari(reader, options)
    if options.queue and options.menu:
        reader.problem("menu", "stands beside queue, and callers begin in one of the two", "leave one out")
    if options.caller_id != "caller" and options.phones.everyone.caller_name != ANY_NAME:
        reader.problem("caller_id", "leaves nothing for phones.caller_name to show", 'use "caller", or leave one out')
    if options.heartbeat_us and options.dead_man_us < 2 * options.heartbeat_us:
        reader.problem("dead_man", "is shorter than two heartbeats", "make it at least twice `heartbeat`")


def _access(reader: Reader) -> tuple[str, str, Password]:
    url = _url(reader)
    user = reader.pattern("user", "", _USER, "a user's name without blanks and colons, as in ari.conf")
    return url, user, reader.password()


def _without_ari(reader: Reader, ami: AmiOptions | None) -> tuple[str, str, Password]:
    for key in ("url", "user", "password", "password_file", "password_env"):
        if reader.has(key):
            reader.problem(key, 'is for ARI, which control = "ami" does without', "leave it out")
    if ami is None:
        reader.problem(
            "ami", 'is missing, and control = "ami" needs it', "write that table, with user and password_file"
        )
        return "", "", Password()
    return "", ami.user, ami.password


def _url(reader: Reader) -> str:
    example = 'write it like "http://127.0.0.1:8088/ari"'
    text = reader.text("url", "")
    if text is None:
        return ""
    if not text:
        reader.problem("url", "is missing", example)
        return ""
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        reader.problem("url", "cannot be read as a URL", example)
        return ""
    if parts.username is not None or parts.password is not None:
        # Not quoted: it may contain the password.
        reader.problem("url", "holds a user or a password", "use the options user and password_file")
    elif parts.scheme not in {"http", "https"} or not parts.hostname or not has_port or not text.isprintable():
        reader.problem("url", f"{text!r} is not an http or https URL", example)
    elif parts.query or parts.fragment or " " in text:
        reader.problem("url", "has more than a host, a port and a path", example)
    else:
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/ari'}"
    return ""


def _queue(reader: Reader) -> str:
    text = reader.text("queue", "") or ""
    if text and not is_queue_name(text):
        reader.problem("queue", f"{text!r} is no queue's name", f"at most {limits.MAX_ID} characters, no blanks")
    return text


def _caller_id(reader: Reader) -> str:
    text = reader.text("caller_id", "caller")
    if text is None or text in {"caller", ""}:
        return text or ""
    if clean_number(text) != text and clean_name(text) != text:
        reader.problem("caller_id", "has characters that do not belong into a caller's identity", 'use "caller"')
    return text


def _variables(reader: Reader) -> tuple[str, ...]:
    given = reader.texts("variables", (), MAX_VARIABLES, '["X_ACD_TIER"]')
    for each in given:
        if not VARIABLE_NAME.fullmatch(each):
            reader.problem("variables", f"{each!r} cannot be used", "they begin with X_ACD_, in capitals")
    return tuple(dict.fromkeys((*STANDARD_VARIABLES, *given)))
