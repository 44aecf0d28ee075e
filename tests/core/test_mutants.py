"""Bugs planted by hand into the engine: the run beside the naive model, or a scenario, must notice each of them.

A mutant is one replaced fragment of one module. When a fragment is gone from the source, the test says so:
plant the bug anew in whatever took its place.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

import pytest

import acd.core
import acd.core.messages as m
from acd.core import limits
from acd.core.engine import Engine
from acd.testing.scenario import ScenarioError, run_scenario
from tests.core.own_strategies import OWN
from tests.core.side_by_side import Mismatch, Pair, run, seeded

EPISODES: Final = 600
"""Most that a mutant may survive, each of `LENGTH` commands."""

CROWD: Final = 12
"""Agents of every other episode: few have much to do each, many give strategies something to choose from."""

LENGTH: Final = 600

SCENARIOS: Final = Path(__file__).parent / "scenarios"

SHARED: Final = ("acd.core.messages", "acd.core.limits", "acd.core.state", "acd.core.states")
"""Modules that a mutant engine has in common with the real one: messages must be of the same classes."""


class Mutant(NamedTuple):
    """`fragment` of `module`, which occurs once, becomes `replacement`.

    `scenario`: the one that has to notice it, where random traffic meets it too rarely.
    """

    module: str
    fragment: str
    replacement: str
    scenario: str = ""


MUTANTS: Final = {
    "ties are broken the other way": Mutant(
        "lane", "return (ticket.key, ticket.seq)", "return (ticket.key, -ticket.seq)"
    ),
    "load is ignored": Mutant("pools.ranked", "    return load\n", "    return 0 * load\n"),
    "load goes before fit": Mutant("pools.ranked", "load - fit * _LOADS", "load * _LOADS - fit"),
    "load goes before the number of skills": Mutant(
        "pools.ranked", "len(agent.settings.skills) * _LOADS + load", "len(agent.settings.skills) + load * _LOADS"
    ),
    "most skilled instead of least": Mutant(
        "pools.ranked", "len(agent.settings.skills) * _LOADS + load", "load - len(agent.settings.skills) * _LOADS"
    ),
    "load goes before the number of work items": Mutant(
        "pools.ranked", "items * _LOADS + load", "items + load * _LOADS", "least-loaded"
    ),
    "work items are not counted": Mutant("pools.ranked", "items * _LOADS + load", "load", "least-loaded"),
    "a dead ticket hides those behind it in the fixed order": Mutant(
        "pools.ring", "            del tickets[row]\n            self._rows.discard(row)\n", "            return None\n"
    ),
    "the fixed order goes by id alone": Mutant(
        "handlers.settings", "key=lambda each: (each.settings.position, each.id)", "key=lambda each: each.id"
    ),
    "the fixed order goes by position alone": Mutant(
        "handlers.settings",
        "key=lambda each: (each.settings.position, each.id)",
        "key=lambda each: (each.settings.position, each.idle_since)",
    ),
    "the same agent has turn after turn": Mutant("cursor", "self.row = agent.row + 1", "self.row = agent.row"),
    "nobody's turn comes twice": Mutant("pools.ring", "(self._first(0) if row else None)", "None"),
    "turns begin anew with every configuration": Mutant(
        "handlers.settings", "queue.cursor.row = domain.classes.row_after(queue.cursor.after)", "queue.cursor.row = 0"
    ),
    "a low score wins": Mutant("pools.scored", "- self.score(agent) * _FITS", "+ self.score(agent) * _FITS"),
    "fit goes before the score": Mutant("pools.scored", "- self.score(agent) * _FITS", "- self.score(agent)"),
    "one's own function sees no preferences": Mutant(
        "registry", "tuple(sorted(requirement.skills)), key.preferences)", "tuple(sorted(requirement.skills)), ())"
    ),
    "a function that fails counts for nothing": Mutant(
        "pools.scored", "        return -limits.MAX_SCORE\n", "        return 0\n"
    ),
    "changed code is accepted": Mutant("handlers.settings", "given[name].code_hash != code_hash", "not code_hash"),
    "queues share their turns": Mutant(
        "registry", 'own = "" if queue.cursor is None and not levelled else queue.id', 'own = ""'
    ),
    "a weighted heap is not corrected": Mutant(
        "pools.weighted", "if actual == key and ticket.seq == seq:", "if actual >= key:"
    ),
    "an exclusion is ignored when an agent is sought": Mutant(
        "matching", "if ticket is not None and excluded and ticket.owner.id in excluded:", "if False:"
    ),
    "an exclusion is ignored when an interaction is sought": Mutant(
        "matching", "if waiting.exclusions and agent_id in waiting.exclusions:", "if False:"
    ),
    "an exclusion hides those behind it in line": Mutant(
        "matching",
        "ticket = _first_not_excluded(cls, agent_id, first)",
        "ticket = None",
    ),
    "a restored place among the idle goes to the end": Mutant(
        "lane", "insort(items, ticket, lo=self.head)", "items.append(ticket)"
    ),
    "an idle agent keeps the old place": Mutant("matching", "agent.idle_since = self.now_us", "agent.idle_since += 0"),
    "priority is ignored": Mutant(
        "queue_entity", "place_at_us + self.offset_us - priority * self.step_us", "place_at_us + self.offset_us"
    ),
    "strict is not": Mutant("ordering", 'settings.ordering == "strict"', 'settings.ordering == ""'),
    "due counts no target": Mutant("ordering", 'settings.ordering == "due"', 'settings.ordering == ""'),
    "bands are ignored": Mutant("lines", "(level * _BANDS + cls.key.band,", "(level * _BANDS,"),
    "levels are ignored when an agent comes free": Mutant("lines", "(level * _BANDS + cls.key.band,", "(cls.key.band,"),
    "levels are ignored when an agent is sought": Mutant(
        "pools.tiered", "level = agent.level(self._queue)", "level = 1"
    ),
    "one level too far when an agent is sought": Mutant(
        "pools.tiered", "if level > self._reach:", "if level > self._reach + 1:"
    ),
    "one level too far past those who are excluded": Mutant("pools.tiered", "if level <= self._reach:", "if True:"),
    "one level too far when an agent comes free": Mutant("lines", "if level <= cls.key.reach:", "if True:"),
    "one level too far for whoever is preferred": Mutant(
        "classes", "(not crew.has_levels or crew.level_of(agent) <= self.key.reach)", "True"
    ),
    "levels open in turn, due or not": Mutant(
        "reaching", "delays_us[reach - 1] <= elapsed_us", "delays_us[0] <= elapsed_us"
    ),
    "what levels were open is forgotten": Mutant("levels", "elapsed_us, interaction.reach)", "elapsed_us)"),
    "nothing is kept free for others": Mutant("registry", "            if reserve:\n", "            if reserve > 1:\n"),
    "one too few is kept free": Mutant(
        "reserving",
        "        self.free -= 1\n",
        "        self.free -= 0\n",
    ),
    "one too many is kept free": Mutant("reserving", "opened = self._classes.get(self.free)", "opened = ()"),
    "nobody is placed when enough are free again": Mutant(
        "reserving", "risen, domain.classes.risen = domain.classes.risen, []", "risen = domain.classes.risen = []"
    ),
    "a broadcast asks whom others need": Mutant(
        "matching", "            if cls.shut:\n", "            if False:\n", "reserve"
    ),
    "whoever comes free is counted too late": Mutant(
        "matching",
        "            recount(agent, self.classes.risen)\n        if self.waiting",
        "            pass\n        if self.waiting",
    ),
    "a new class is open to everybody": Mutant("reserving", "if self.free <= cls.key.reserve:", "if False:"),
    "a forgotten class is still opened and shut": Mutant(
        "reserving", "self._classes[reserve].remove(cls)", "assert cls in self._classes[reserve]"
    ),
    "what is kept free goes by the agents in reach": Mutant(
        "registry",
        "(self._agents[row] for row in rows))\n        gate",
        "filter(cls.has, self.members(cls.crew)))\n        gate",
    ),
    "work in hand counts in the place of those without any": Mutant(
        "registry", "crew.pool.bucket(agent, 0, 0, fit)", "crew.pool.bucket(agent, len(agent.work), 0, fit)"
    ),
    "the fit is the next one's": Mutant(
        "crews", "return self.fits[bisect_left(self.rows, agent.row)]", "return self.fits[bisect_left(self.rows, 1)]"
    ),
    "tiers are served in any order": Mutant("lines", "key=lambda line: line[0][0])", "key=lambda line: -line[0][0])"),
    "all tiers are as one": Mutant("matching", "if first is not None and tier > least:", "if False:"),
    "a tie of many classes goes to any": Mutant(
        "lines", "return classes if keys[keys.argmin()] == key else (cls,)", "return (cls,)"
    ),
    "many classes show one head to everybody": Mutant(
        "lines", "if cls.head is None or cls.head.owner.exclusions:", "if cls.head is None:"
    ),
    "many classes are told of no departure": Mutant(
        "classes", "NOBODY if first is None else first.key\n        elif", "ticket.key\n        elif"
    ),
    "the last in line goes first": Mutant(
        "matching",
        "ticket.key > first.key or (ticket.key == first.key",
        "ticket.key < first.key or (ticket.key == first.key",
    ),
    "an unanswered offer rests nobody": Mutant(
        "handlers.offers", 'domain.rest(agent, "not-ready", "rona")', "domain.refresh(agent)"
    ),
    "a late expiry is the agent's fault": Mutant(
        "handlers.offers", "work.excused or overdue_us > settings.late_us", "work.excused"
    ),
    "grace does not excuse": Mutant("handlers.passing", "owner.excused = True", "pass"),
    "capacity is off by one unit": Mutant("capacity", "+ share.cost > self.total", "+ share.cost > self.total + 1"),
    "a broadcast asks one too many": Mutant(
        "matching", "interaction.queue.settings.broadcast)", "interaction.queue.settings.broadcast + 1)"
    ),
    "a broadcast forgets exclusions": Mutant(
        "matching", "excluded = interaction.exclusions or ()", "excluded = ()", "broadcast"
    ),
    "the losers of a broadcast ring on": Mutant(
        "handlers.offers", "if work is winner:\n            continue", "if work is not winner:\n            continue"
    ),
    "losing costs the place among the idle": Mutant(
        "handlers.offers",
        'domain.drop_offer(work, "rescind", "rescinded")',
        'domain.drop_offer(work, "rescind", "rescinded")\n        domain.restart_idle(agent)',
    ),
    "an unanswered broadcast rests everybody": Mutant("handlers.offers", ' or settings.strategy == "broadcast":', ":"),
    "the first to decline a broadcast ends it for all": Mutant(
        "domain", "if interaction.current is not None:", "if False:"
    ),
    "whoever hangs up frees one agent only": Mutant(
        "entities", "return tuple(self.pending)", "return (self.pending[0],)"
    ),
    "nothing is interrupted": Mutant("capacity", "self.in_the_way(share, held) +", "sum(cost for _, cost in held) +"),
    "whoever may interrupt, interrupts everything": Mutant(
        "capacity", "if channel not in interrupts and", "if not interrupts and"
    ),
    "only named channels are interrupted": Mutant("capacity", 'unnamed = "*" in interrupts', "unnamed = False"),
    "room is what it was before": Mutant(
        "entities",
        "        self.used -= work[offer_id].cost\n        self.rooms = None\n",
        "        self.used -= work[offer_id].cost\n",
    ),
    "who may interrupt is full like anybody": Mutant("capacity", "_NEVER_FULL if interrupting else total", "total"),
    "one work item too many of a channel": Mutant("capacity", "< share.most", "<= share.most"),
    "the fit is rounded up": Mutant("matrix", "fits = 10 * fits // len(skills)", "fits = -(-10 * fits // len(skills))"),
    "a decline keeps the agent's place": Mutant(
        "handlers.offers",
        "domain.exclude(work.interaction, agent, limits.MAX_EXCLUSIONS)\n    domain.restart_idle(agent)",
        "domain.exclude(work.interaction, agent, limits.MAX_EXCLUSIONS)",
    ),
    "deadlines fall due in the order of their length": Mutant(
        "deadlines",
        "elif first is None or ticket.key < first.key or (ticket.key == first.key and ticket.seq < first.seq):",
        "elif first is None:",
    ),
    "an earlier deadline is not noticed": Mutant("deadlines", "due_us <= first.key", "due_us < 0"),
    "a step that drops what was asked for changes no class": Mutant(
        "relaxing", "bool(step.requirement or step.drop_own or step.queues)", "bool(step.requirement or step.queues)"
    ),
    "keys do not follow a new head start": Mutant(
        "handlers.settings", "domain.rekey(interaction)", "interaction.key += 0"
    ),
    "a step forgets what the ones before had loosened": Mutant(
        "relaxing", "step.requirement or before.requirement", "step.requirement"
    ),
    "what the interaction asked for is never dropped": Mutant(
        "relaxing", '"" if relaxed.drop_own else request.requirement', "request.requirement"
    ),
    "a step takes a ringing offer for a waiting one": Mutant(
        "handlers.passing", 'waits = interaction.state == "queued"', "waits = True"
    ),
    "positions count from nought": Mutant("relaxing", "return 1 + bisect_left(", "return bisect_left("),
    "what is not known is nothing": Mutant("relaxing", "found != UNKNOWN and ", ""),
    "at least is more than": Mutant("relaxing", '">=": operator.ge', '">=": operator.gt'),
    "only agents within reach are eligible": Mutant(
        "relaxing",
        "return domain.classes.staff(interaction.cls.crew)",
        "return sum(map(interaction.cls.has, domain.classes.members(interaction.cls.crew)))",
    ),
    "who comes back into line has no position": Mutant(
        "matching", "insort(standing, (interaction.key, interaction.seq))", "standing.append((interaction.key, 0))"
    ),
    "a skipped step takes back what was loosened": Mutant(
        "relaxing",
        "msgspec.structs.replace(interaction.relaxed or UNRELAXED, after_us=step.after_us)",
        "Relaxation(step.after_us)",
    ),
    "steps go on while somebody talks": Mutant(
        "handlers.offers", "        relaxing.unschedule(interaction)\n", "        pass\n"
    ),
    "a retired queue widens still": Mutant(
        "relaxing", "if each is not None and not each.retired]", "if each is not None]"
    ),
    "a recalled interaction comes back at once": Mutant(
        "handlers.supervision", 'if reason == "recalled":', "if False:"
    ),
    "a move always keeps the place": Mutant("moving", "if not keep_place:", "if False:"),
    "another priority, the same place": Mutant("handlers.supervision", "    domain.rekey(found)\n", ""),
    "a move forgets that it was held": Mutant("moving", "    domain.end_stay(interaction)\n", ""),
    "nobody is preferred": Mutant(
        "matching", "if interaction.preferred and self._is_preferred(interaction):", "if False:"
    ),
    "the last agent is preferred for ever": Mutant(
        "affinity", "domain.now_us - at_us >= interaction.queue.settings.affinity_us", "not agent_id"
    ),
    "the last agent goes before the dedicated one": Mutant(
        "affinity",
        "if not agent_id or not _may_be(domain, interaction, agent_id):",
        "if request.customer or not _may_be(domain, interaction, agent_id):",
    ),
    "who talks again stays the oldest to be forgotten": Mutant(
        "affinity", "        self._of.move_to_end(customer)\n", ""
    ),
    "who is no longer there is preferred": Mutant(
        "affinity", "return agent is not None and not agent.retired", "return bool(agent_id)"
    ),
    "what is held for one is served to another": Mutant(
        "classes",
        "        if interaction.held is not None:\n            if self.aside",
        "        if False:\n            if self.aside",
    ),
    "what is held for one is served last": Mutant(
        "matching", "if agent.holds else first", "if agent.holds and first is None else first"
    ),
    "what is held for one is served first": Mutant("matching", "if before and may_have(", "if may_have("),
    "what is held for one does not count for a reserve": Mutant(
        "reserving", "if before and may_have(each, domain.agents[each.preferred]):", "if False:"
    ),
    "whoever is preferred is within reach": Mutant("eligibility", "        and cls.has(agent)\n", ""),
    "whoever is preferred is not kept for others": Mutant("eligibility", "        and not cls.shut\n", ""),
    "whoever is preferred is never excluded": Mutant(
        "eligibility", "        and not (excluded and agent.id in excluded)\n", ""
    ),
    "whoever is preferred has room": Mutant("eligibility", "        and agent.takes(cls.channel)\n", ""),
    "who has signed out is still waited for": Mutant(
        "domain", "if agent.holds:", "if not agent.holds and agent.retired:", "preferred-agent"
    ),
    "who cannot serve is waited for": Mutant("holding", "and interaction.cls.crew.has(agent)", ""),
    "a queue closed without a reason is open": Mutant(
        "entry", "queue.closed is not None and settings", "queue.closed and settings"
    ),
    "signing out staffs": Mutant("domain", '"sign-out": -1', '"sign-out": 1'),
    "full is one too many": Mutant("entry", "queue.unanswered >= most and", "queue.unanswered > most and"),
    "whoever overflows is counted where they came from": Mutant(
        "moving", "queue.unanswered += 1", "left.unanswered += 1"
    ),
    "whoever overflows keeps the key of the first queue": Mutant(
        "moving", "    domain.rekey(interaction)\n    moved =", "    moved ="
    ),
    "who hands on is asked again at once": Mutant(
        "handlers.transfers", "    domain.exclude(interaction, found.agent, limits.MAX_EXCLUSIONS)\n", ""
    ),
    "who has joined is asked about the customer": Mutant(
        "conference", "    come_in(domain, interaction, work.agent)\n", ""
    ),
    "who has left is never asked about the customer": Mutant(
        "conference", "        go_out(domain, interaction, work.agent)\n", "", "conference-consult"
    ),
    "a consult outlives its parent's transfer": Mutant(
        "handlers.transfers", "        ending.end_consults(domain, interaction)\n", "        pass\n"
    ),
    "who asks is offered the question": Mutant(
        "consulting", "    for agent in talking(parent):\n        domain.bar(child, agent)\n", ""
    ),
    "consults end youngest first": Mutant(
        "ending", 'each.state != "queued", each.seq', 'each.state != "queued", -each.seq'
    ),
    "an adviser becomes the customer's last agent": Mutant("ending", " and not request.parent:", ":"),
    "a merged consult keeps its disposition": Mutant(
        "handlers.conferences", '    work.wants_wrap_up, work.disposition = False, ""\n', ""
    ),
    "who asks stays the owner after a transfer": Mutant("handlers.conferences", "    parent.current = work\n", ""),
    "the owner holds on in a conference": Mutant("handlers.conferences", 'owner.state == "held"', "False"),
    "the youngest of a conference takes over": Mutant("conference", "others.pop(0)", "others.pop()"),
    "an owner's consults outlive their leaving": Mutant("conference", "if interaction.consults:", "if False:"),
    "a conference ends for its owner alone": Mutant("ending", "    for each in others:\n", "    for each in ():\n"),
    "who wraps up on it is offered it": Mutant("ending", "        domain.bar(interaction, work.agent)\n", ""),
    "a snapshot forgets who takes part": Mutant(
        "snapshot", "participants=tuple(work.offer_id for work in interaction.participants or ()),", ""
    ),
    "a transfer keeps what it should drop": Mutant("handlers.transfers", "    interaction.request = request\n", ""),
    "a wrap-up follows the new queue": Mutant(
        "entities", "return self.former or self.interaction.queue", "return self.interaction.queue"
    ),
    "an exclusion forgets who wraps up": Mutant(
        "matching", "exclusion.standing = standing", "exclusion.standing = False"
    ),
    "wrap-up comes without being asked for": Mutant(
        "wrapping", 'policy == "optional" and wanted', 'policy == "optional"'
    ),
    "a forced wrap-up runs out": Mutant("wrapping", "return 0", "return settings.wrap_up_us"),
    "a wrap-up is extended without end": Mutant(
        "handlers.wrap_up",
        "min(deadline.key + command.by_us, found.since + settings.wrap_up_most_us)",
        "deadline.key + command.by_us",
    ),
    "an extension counts from now on": Mutant(
        "handlers.wrap_up", "found.since + settings.wrap_up_most_us", "domain.now_us + settings.wrap_up_most_us"
    ),
    "a required disposition is not asked for": Mutant(
        "handlers.wrap_up", "queue.disposition_required and not found.disposition", "False"
    ),
    "the disposition is not told in the end": Mutant(
        "domain", "interaction.id, work.disposition", 'interaction.id, ""'
    ),
    "whoever has waited too long goes on waiting": Mutant("entry", 'if action.kind == "wait":\n', "if True:\n"),
    "patience outlasts the answer": Mutant("handlers.offers", "        patience.drop(interaction)\n", "        pass\n"),
    "a lost agent leaves no patience": Mutant("handlers.interactions", "    patience.begin(domain, found)\n", ""),
    "overflow is for ever": Mutant("entry", "if hops >= limits.MAX_HOPS:", "if hops >= 10 * limits.MAX_HOPS:"),
    "an overflowing interaction is still held": Mutant(
        "domain", "        if interaction.held is not None:\n            holding.drop(self, interaction)\n", ""
    ),
    "what was overdue while it rang goes back into line": Mutant(
        "domain", "interaction.patience.deadline is None:", "interaction.patience.deadline is not None:"
    ),
    "a customer has two callbacks": Mutant(
        "admission", 'if request.kind == "callback" and request.customer:', "if False:"
    ),
    "a callback takes the last place": Mutant(
        "admission", "place_at = now_us if caller is None else caller.place_at", "place_at = now_us"
    ),
    "a place is anybody's who names it": Mutant(
        "admission",
        "return found if request.customer and found.request.customer == request.customer else None",
        "return found",
    ),
    "a place is taken into another queue": Mutant("admission", "found.queue is not queue or ", ""),
    "a place is taken of one who has been answered": Mutant(
        "admission", '("queued", "offered")', '("queued", "active")'
    ),
    "who takes a place has just come into the queue": Mutant(
        "admission", "    interaction.entered_at = before.entered_at\n", "    pass\n"
    ),
    "who takes a place has every step a second time": Mutant(
        "admission", "if before.relaxed is not None:", "if False:"
    ),
    "who takes a place reaches no further than the first level": Mutant("levels", "if elapsed_us:  #", "if False:  #"),
    "a full queue refuses who is in already": Mutant("entry", "is_in=before is not None and not hops", "is_in=False"),
    "whoever takes a place leaves the one who had it in line": Mutant(
        "handlers.interactions", "        if command.end_reason:\n", "        if False:\n"
    ),
    "an end does not say who has the place": Mutant(
        "handlers.interactions", "command.end_reason, interaction_id)", "command.end_reason)"
    ),
    "whoever takes a place is nobody's any more": Mutant(
        "handlers.interactions", "            if not command.preferred_agent:\n", "            if False:\n"
    ),
    "whoever takes a place has no wish of their own": Mutant(
        "handlers.interactions", "            if not command.preferred_agent:\n", "            if True:\n"
    ),
    "one who rings is over for a place": Mutant("admission", 'elif before.state != "queued":', "elif False:"),
    "without a place there is a new one all the same": Mutant("admission", "elif before is None:", "elif False:"),
    "one who is to wait aside is one more": Mutant(
        "admission", 'if request.kind == "callback" or request.not_before_us > now_us:', "if False:"
    ),
    "one is over for another who is let go at once": Mutant(
        "entry", 'or (stays and action.kind != "queue")', "or False"
    ),
    "what falls due has waited since it was scheduled": Mutant(
        "callbacks", "    if not interaction.uncalled:\n", "    if False:\n"
    ),
    "what waits on purpose waits for an agent": Mutant(
        "callbacks", "    interaction.enqueued_at = domain.now_us\n", "    pass\n"
    ),
    "a customer who is called waits for an agent": Mutant(
        "calling", "interaction.entered_at = interaction.enqueued_at =", "interaction.entered_at ="
    ),
    "what falls due comes in although it is night": Mutant(
        "callbacks", "if interaction.queue.closed is None or interaction.queue.retired:", "if True:"
    ),
    "a callback is tried once more": Mutant(
        "callbacks", "interaction.attempts < settings", "interaction.attempts <= settings"
    ),
    "whoever asks to be called back goes on ringing": Mutant(
        "handlers.supervision", '_take_back(domain, offered, "called-back")', "offered = ()"
    ),
    "whoever would be called back twice is let go": Mutant(
        "handlers.supervision", 'if request == "duplicate-callback":', "if False:"
    ),
    "the channel of the caller calls back": Mutant(
        "callbacks", "instance=_caller_back(request, queue),", "instance=request.instance,"
    ),
    "whoever wrote is called back by a telephone": Mutant(
        "callbacks", "settings.callback_medium != request.channel", "not request.channel"
    ),
    "a callback that names a channel has its queue's": Mutant(
        "callbacks", 'request.kind != "callback" or request.instance or not instance', 'request.kind != "callback"'
    ),
    "customers are called though enough of them are": Mutant(
        "calling", "if queue.reaching >= settings.callback_ahead:", "if queue.reaching > settings.callback_ahead:"
    ),
    "nobody is called again when there is room": Mutant(
        "calling", "        domain.classes.make_room(queue)\n", "        pass\n"
    ),
    "who is called is not counted": Mutant("calling", "    queue.reaching += 1\n", "    pass\n"),
    "who is called no more is counted on": Mutant("calling", "    queue.reaching -= 1\n", "    pass\n"),
    "a customer who has answered is called again": Mutant("calling", "    interaction.reached = True\n", "    pass\n"),
    "who has answered is offered as somebody who has not": Mutant(
        "calling",
        "interaction.enqueued_at = domain.now_us\n    domain.reclassify(interaction)\n",
        "interaction.enqueued_at = domain.now_us\n",
    ),
    "a customer who is called is waited for without end": Mutant(
        "handlers.passing", 'callbacks.miss(domain, owner.interaction, "unanswered")', "pass"
    ),
    "who is called has no time left after a stall": Mutant(
        "handlers.passing",
        "            deadline.alive = False\n",
        "            if isinstance(owner, Reaching):\n                continue\n            deadline.alive = False\n",
    ),
    "who is called has time after a stall that nobody gave them": Mutant(
        "handlers.passing", "if command.customers else []", "if command.grace_us else []"
    ),
    "what nobody could do is an attempt": Mutant(
        "callbacks", "if not called and interaction.uncalled < limits.MAX_UNCALLED:", "if False:"
    ),
    "what nobody can do is tried as soon the tenth time as the first": Mutant(
        "callbacks", "limits.UNCALLED_FIRST_US << interaction.uncalled", "limits.UNCALLED_FIRST_US"
    ),
    "whom nobody could call goes to the end of the line": Mutant(
        "callbacks", "    if not interaction.uncalled:\n", "    if True:\n"
    ),
    "a customer who is called is unanswered": Mutant("calling", "    queue.unanswered -= 1\n", "    pass\n"),
    "who was called once need not be called again": Mutant(
        "callbacks", "    interaction.reached = False\n", "    pass\n"
    ),
    "what came of an earlier attempt is believed": Mutant(
        "handlers.callbacks", "    if attempt == now:", "    if True:"
    ),
    "advisers stay with a callback that has failed": Mutant(
        "handlers.callbacks", "    for guest in tuple(found.participants or ()):", "    for guest in ():"
    ),
    "whoever is called stays in reach of a few": Mutant(
        "calling", "    interaction.reach = limits.MAX_LEVEL\n", "    pass\n"
    ),
    "steps go on while a customer is called": Mutant(
        "calling", "        relaxing.unschedule(interaction)\n", "        pass\n"
    ),
    "a new callback of a queue that calls first is offered": Mutant(
        "admission", "    if interaction.calls_first:", "    if False:"
    ),
    "an agent's place is lost to a customer who is called": Mutant(
        "matching",
        "        if found is not None:\n            self.serve(agent)\n\n    def _first_for",
        "\n    def _first_for",
    ),
    "an ended callback is called on": Mutant(
        "domain", "            calling.stop(self, interaction)\n", "            pass\n"
    ),
    "a callback that nobody calls waits for that": Mutant("entities", ' and request.instance != ""', ""),
    "new classes of a full queue are open": Mutant(
        "registry", "                    cls.fill()\n", "                    pass\n"
    ),
    "callbacks lose patience": Mutant("patience", ' or interaction.request.kind == "callback"', ""),
    "an update's requirement changes nothing": Mutant(
        "handlers.updates", "        domain.reclassify(found)\n", "        pass\n"
    ),
    "whoever waits is not routed anew": Mutant("handlers.updates", "domain.place(found)", "domain.wait(found)"),
    "a wait for another agent goes on": Mutant(
        "handlers.updates", '        holding.end(domain, interaction, "updated")\n', "        return False\n"
    ),
    "nobody waits for whoever is preferred later": Mutant(
        "handlers.updates", "if anew and interaction.preferred:", "if False:"
    ),
    "a look-up that comes late finds no account manager": Mutant(
        "handlers.updates", "        affinity.prefer(domain, interaction)\n", "        pass\n"
    ),
    "a supervisor hears who waits": Mutant(
        "handlers.supervision", 'if command.mode != "off" and found.state != "active":', "if False:"
    ),
    "a supervisor who waits is not let go": Mutant(
        "handlers.supervision", 'if command.mode != "off" and found.state', "if found.state"
    ),
    "what is noted of an ended interaction is not told": Mutant(
        "handlers.updates",
        "    domain.events.append(InteractionNoted(command.interaction_id, command.attributes))\n",
        "",
    ),
    "what is noted is lost while somebody wraps up": Mutant(
        "handlers.updates",
        "        interaction.request = msgspec.structs.replace(interaction.request, attributes=attributes)\n",
        "        pass\n",
    ),
    "an attribute stands beside its old value": Mutant("handlers.updates", " if each[0] not in named)", ")"),
    "one customer's interaction becomes another's": Mutant(
        "handlers.updates", "    if request.customer:\n", "    if False:\n"
    ),
    "a customer who becomes known has no callback yet": Mutant(
        "handlers.updates", "domain.callbacks[command.customer, request.queue] = interaction.id", "pass"
    ),
    "who talks is chosen anew": Mutant("handlers.updates", 'interaction.state == "active"', 'interaction.state == ""'),
    "an agent edited alone keeps the old crews": Mutant(
        "handlers.staffing", "        domain.classes.withdraw(agent)\n", "        return\n"
    ),
    "an agent edited alone is not served": Mutant(
        "handlers.staffing", "        domain.serve(domain.agents[settings.id])\n", "        pass\n"
    ),
    "an agent edited alone keeps an old place in the fixed order": Mutant(
        "handlers.staffing", "known.settings.position == settings.position", "known.settings.position >= 0"
    ),
    "who waits for an agent who has been edited goes on waiting": Mutant(
        "handlers.staffing", "    _reconsider(domain, held)\n", ""
    ),
    "an agent edited alone is counted twice for a reserve": Mutant(
        "reserving", "            if counted.free:\n                gate.go()\n", ""
    ),
    "an agent edited alone counts for no reserve": Mutant(
        "registry", "                gate.take_in(agent)\n", "                pass\n"
    ),
    "an agent edited alone does not count as staff": Mutant(
        "registry", "self.count_staff(agent, int(agent.presence", "self.count_staff(agent, 0 * int(agent.presence"
    ),
    "new levels of one agent are overlooked": Mutant(
        "registry", "        return fresh or self._gone", "        return self._gone"
    ),
    "an agent who is removed alone still counts as staff": Mutant(
        "handlers.settings", "        domain.classes.count_staff(agent, -1)\n", "        pass\n"
    ),
    "who has waited for a reserve is overlooked when rows are numbered anew": Mutant(
        "handlers.staffing",
        "        domain.classes.risen += domain.classes.open_gates()\n",
        "        pass\n",
        scenario="reserve-renumbered",
    ),
    "an agent edited alone keeps the old score": Mutant(
        "pools.scored", "if said is not None and said[0] is agent.settings:", "if said is not None:"
    ),
    "a device is overlooked when the agent has nothing in hand": Mutant(
        "matching", "        if agent.work or agent.vetoes:\n", "        if agent.work:\n"
    ),
    "a device is overlooked when an agent comes free": Mutant(
        "matching",
        "not agent.has_room(channel) or (agent.vetoes and channel in agent.vetoes)",
        "not agent.has_room(channel)",
    ),
    "a device keeps off every channel": Mutant(
        "entities", "return not (vetoes and channel in vetoes) and", "return not vetoes and"
    ),
    "whoever telephones counts for a reserve": Mutant(
        "reserving", "free = ready and agent.takes(channel)", "free = ready and agent.has_room(channel)"
    ),
    "nobody is served when a device is free again": Mutant("vetoes", "    domain.serve(agent)\n", ""),
    "a veto that is renewed ends when it would have": Mutant("vetoes", "veto.deadline.alive = False", "pass"),
    "a veto goes to the end of the idle": Mutant(
        "vetoes",
        "    agent.vetoes[channel] = veto\n",
        "    agent.vetoes[channel] = veto\n    domain.restart_idle(agent)\n",
    ),
    "a forgotten class keeps its members": Mutant("registry", "cls.evicted = True", "cls.evicted = False"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_noticed(name: str) -> None:
    planted = MUTANTS[name]
    with mutated(planted) as mutant:
        if planted.scenario:
            with pytest.raises(ScenarioError):
                run_scenario(SCENARIOS / f"{planted.scenario}.txt", mutant)
        else:
            assert _survived(mutant) is not None, f"{name}: survived {EPISODES * LENGTH} commands"


def test_the_engine_as_it_is_survives() -> None:
    with mutated(Mutant("matching", '"""Matching: who gets whom.', '"""Matching: whom gets who.')) as same:
        assert same is not Engine
        assert _survived(same, episodes=2) is None
        for scenario in {planted.scenario for planted in MUTANTS.values() if planted.scenario}:
            run_scenario(SCENARIOS / f"{scenario}.txt", same)


def test_a_fragment_that_is_gone_is_reported() -> None:
    with pytest.raises(AssertionError, match="occurs 0 times"), mutated(Mutant("matching", "no such source", "")):
        pass


def _survived(engine: type[Engine], episodes: int = EPISODES) -> Mismatch | None:
    """The first mismatch, if any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SCANNED_CLASSES", 1)
        pair = Pair(engine(strategies=OWN), {"skills.x >= 1": ("skill", "x", ">=", 1), "true": ("const", True)})
        try:
            for at_us, command in enumerate(tie()):
                pair.step(command, min(at_us, TIE_US))
        except Mismatch as mismatch:
            mismatch.steps = []
            return mismatch
    for seed in range(episodes):
        scores = engine(strategies=OWN).scores
        traffic = seeded(seed, agents=CROWD if seed % 2 else None, disorder=0.03, scores=scores)
        with pytest.MonkeyPatch.context() as patch:
            if seed % 4 > 1:
                patch.setattr(limits, "SCANNED_CLASSES", 1)
                patch.setattr(limits, "AFFINITY_WINDOW", 2)
            try:
                run(traffic, Pair(engine(max_classes=6, strategies=OWN), traffic.trees), LENGTH)
            except Mismatch as mismatch:
                return mismatch
    return None


TIE_US: Final = 6
"""From the seventh command of `tie` on, everything happens in one moment."""


def tie() -> list[m.Command]:
    """Two come in one moment, in classes that were made in the other order: random traffic has that too rarely."""
    agent = m.AgentSettings("a", (("x", 5),))
    queues = (m.QueueSettings("first", "skills.x >= 1"), m.QueueSettings("other"))
    return [
        m.ApplyConfig("c1", m.CoreSettings((agent,), queues)),
        m.SignInAgent("c2", "a"),
        m.EnqueueInteraction("c3", "i1", "voice", "first"),
        m.EnqueueInteraction("c4", "i2", "voice", "other"),
        m.EndInteraction("c5", "i1"),
        m.EndInteraction("c6", "i2"),
        m.EnqueueInteraction("c7", "i3", "voice", "other"),
        m.EnqueueInteraction("c8", "i4", "voice", "first"),
        m.SetPresence("c9", "a", "ready"),
    ]


@contextmanager
def mutated(mutant: Mutant) -> Iterator[type[Engine]]:
    """The Engine class of a second copy of the core, with the bug in it."""
    name = f"acd.core.{mutant.module}"
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text(encoding="utf-8")
    count = source.count(mutant.fragment)
    assert count == 1, f"the fragment occurs {count} times in {name}: {mutant.fragment}"
    finder = _Finder(name, source.replace(mutant.fragment, mutant.replacement), spec.origin)
    kept = {key: module for key, module in sys.modules.items() if _is_copied(key)}
    for key in kept:
        del sys.modules[key]
        _unbind(key)
    sys.meta_path.insert(0, finder)
    try:
        copied: type[Engine] = importlib.import_module("acd.core.engine").Engine
        yield copied
        assert finder.used, f"{name} was never imported"
    finally:
        sys.meta_path.remove(finder)
        for key in [key for key in sys.modules if _is_copied(key)]:
            del sys.modules[key]
            _unbind(key)
        sys.modules.update(kept)
        for key, module in kept.items():
            parent, _, child = key.rpartition(".")
            setattr(sys.modules[parent], child, module)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module a source of our own."""

    def __init__(self, name: str, source: str, origin: str) -> None:
        self.name = name
        self.source = source
        self.origin = origin
        self.used = False

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:  # noqa: ARG002
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        self.used = True
        exec(compile(self.source, self.origin, "exec"), module.__dict__)  # noqa: S102 - the project's own source


def _is_copied(name: str) -> bool:
    return name.startswith("acd.core.") and not any(name == each or name.startswith(f"{each}.") for each in SHARED)


def _unbind(name: str) -> None:
    """`from acd.core import x` looks at the package before it looks at `sys.modules`."""
    parent, _, child = name.rpartition(".")
    module = acd.core if parent == "acd.core" else sys.modules.get(parent)
    if module is not None and hasattr(module, child):
        delattr(module, child)
