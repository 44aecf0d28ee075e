"""Feature codes: an agent dials, and is signed in, paused, ready again; hears that it was done, and is hung up.

Owns the reaction to a code, and who the agent is: by the telephone that dials, or, on a telephone that several share,
by the number behind the code. Must not know callers, offers, or what is dialled for what (`options.codes`).

Nothing of what is dialled goes anywhere but through tables of the configuration. A telephone that is no agent's can
change nothing: whoever gets the code's words into the dialplan from outside is refused.
"""

from typing import Final, NamedTuple

import structlog

from acd.core.messages import Command, EndWrapUp, SetPresence, SignInAgent, SignOutAgent
from acd.ports.channel import AgentStanding
from acd_asterisk.desk import Desk
from acd_asterisk.happenings import CodeDialled, Happening
from acd_asterisk.options.codes import CodeOptions, Dialled, Result
from acd_asterisk.prompts import Prompts
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.telephones import agents_at, agents_with

MAX_AT_ONCE: Final = 200
"""Codes that are being carried out; further ones are hung up on."""

LONGEST_SOUND_SECONDS: Final = 15.0

UNKNOWN: Final = {"ACD_REFUSAL": "unknown-queue", "ACD_RESULT": "refused"}

_log = structlog.get_logger(__name__)


class _Unknown(Exception):
    """Nobody can be said to have dialled; the text says why."""


class _Work(NamedTuple):
    """What to tell the engine, and what the agent hears when it agrees."""

    commands: tuple[Command, ...]
    result: Result


class FeatureCodes:
    """The codes of one PBX."""

    def __init__(self, desk: Desk, switchboard: Switchboard, prompts: Prompts, options: CodeOptions) -> None:
        """`desk` has the way to the engine."""
        self._desk = desk
        self._switchboard = switchboard
        self._prompts = prompts
        self._options = options
        self._serving: set[str] = set()

    def handle(self, what: Happening) -> None:
        """See to a telephone that has dialled a code; all else is none of this part's business."""
        if not isinstance(what, CodeDialled) or what.channel_id in self._serving:
            return
        if self._desk.options.control == "ami":
            # Nobody could say whose telephone it is: a caller, like one who names a queue that there is not.
            self._desk.spawn(self._switchboard.send_back(what.channel_id, UNKNOWN))
            return
        if len(self._serving) >= MAX_AT_ONCE:
            self._desk.spawn(self._switchboard.hang_up(what.channel_id))
            return
        self._serving.add(what.channel_id)
        self._desk.attended.add(what.channel_id)
        self._desk.spawn(self._serve(what))

    async def _serve(self, what: CodeDialled) -> None:
        channel_id = what.channel_id
        try:
            result = await self._carry_out(what)
            await self._switchboard.answer(channel_id)
            sound = self._options.sound(result)
            await self._prompts.play(channel_id, (sound,), longest_seconds=LONGEST_SOUND_SECONDS)
        finally:
            self._serving.discard(channel_id)
            self._desk.attended.discard(channel_id)
            await self._switchboard.hang_up(channel_id)

    async def _carry_out(self, what: CodeDialled) -> Result:
        dialled = self._options.read(what.words)
        if dialled is None:
            _log.info("a code that means nothing was dialled", instance=self._desk.name, endpoint=what.endpoint)
            return "refused"
        try:
            agent = self._agent(what.endpoint, dialled.number)
        except _Unknown as error:
            _log.warning(
                "a code was dialled by nobody known",
                instance=self._desk.name,
                endpoint=what.endpoint,
                action=dialled.action,
                reason=str(error),
            )
            return "refused"
        work = self._work(agent, dialled)
        for command in work.commands:
            if not await self._desk.carry_out(command):
                return "refused"
        return work.result

    def _agent(self, endpoint: str, number: str) -> AgentStanding:
        """Whose telephone it is. Raises `_Unknown`."""
        host = self._desk.host
        if number:
            if endpoint not in self._options.shared:
                raise _Unknown("an agent's number, from a telephone that is not in codes.shared")
            found = agents_with(host, number)
            what = "this number (addresses.number)"
        elif endpoint in self._options.shared:
            raise _Unknown("no agent's number, from a telephone in codes.shared")
        else:
            found = agents_at(host, endpoint)
            what = "this telephone (addresses.voice)"
        if len(found) != 1:
            raise _Unknown(f"{'several agents have' if found else 'no agent has'} {what}")
        return found[0]

    def _work(self, agent: AgentStanding, dialled: Dialled) -> _Work:
        new_id, agent_id = self._desk.host.new_id, agent.agent_id
        is_out = agent.presence == "signed-out"
        match dialled.action:
            case "sign-in":
                return _Work(self._sign_in(agent), "signed-in")
            case "sign-out":
                return _Work(() if is_out else (SignOutAgent(new_id(), agent_id),), "signed-out")
            case "sign-in-out":
                is_going = is_out or agent.next_presence == "signed-out"
                return self._work(agent, Dialled("sign-in" if is_going else "sign-out"))
            case "pause":
                command = SetPresence(new_id(), agent_id, "not-ready", reason=dialled.reason)
                return _Work((command,), "paused")
            case "resume":
                return _Work((SetPresence(new_id(), agent_id, "ready"),), "resumed")
            case "pause-resume":
                is_ready = agent.presence == "ready" or agent.next_presence == "ready"
                return self._work(agent, Dialled("pause", dialled.reason) if is_ready else Dialled("resume"))
            case "wrap-up-end":
                done = (interaction for interaction, state in agent.work if state == "wrap-up")
                return _Work(tuple(EndWrapUp(new_id(), agent_id, each) for each in done), "wrap-up-ended")

    def _sign_in(self, agent: AgentStanding) -> tuple[Command, ...]:
        """Whoever is about to leave stays; whoever is here already is left as they are."""
        new_id, is_ready = self._desk.host.new_id, self._options.ready
        if agent.presence == "signed-out":
            return (SignInAgent(new_id(), agent.agent_id, ready=is_ready),)
        if agent.next_presence == "signed-out":
            return (SetPresence(new_id(), agent.agent_id, "ready" if is_ready else "not-ready", "signed-in"),)
        return ()
