"""MENUS.md says what is: its menu works as it stands there, and so does the dialplan that leads callers into it."""

from pathlib import Path

from acd.core.messages import InteractionQueued
from acd_asterisk.lab import CallSpec, Provisioned
from acd_asterisk.lab.tones import tone
from acd_asterisk.menus.visit import Visit
from acd_asterisk.options import read_options
from tests.adapters.asterisk.page_text import of_language, options
from tests.adapters.asterisk.rig import EXAMPLES, Agent, Queue, rig, until


def test_the_menu_of_the_page() -> None:
    shown = options("MENUS.md", "A menu")
    assert shown.pop("type") == "asterisk"
    read = read_options("pbx", shown)
    it = Visit({menu.name: menu for menu in read.menus}, read.menu)
    assert it.begin().say == ("sound:shop/welcome", "sound:shop/menu")
    it.press("3")
    for key in "240815":
        it.press(key)
    turn = it.time_out()
    assert turn.say == ("sound:shop/you-entered", "digits:240815", "sound:shop/press-1-if-right")
    left = it.press("1").leave
    assert left is not None
    assert left.queue == "orders"
    assert it.attributes == {"menu.main": "3", "order_number": "240815"}


async def test_the_dialplan_of_the_page(provisioned: Provisioned, tmp_path: Path) -> None:
    """The number leads into the menu, a key on to a queue, and another one to the context that the page names."""
    shown = options("MENUS.md", "A menu")
    chosen = {"menu": shown["menu"], "menus": shown["menus"]}
    plan = of_language("MENUS.md", "ini")
    assert "Dial(PJSIP/operator,30)" in plan
    plan = plan.replace("Dial(PJSIP/operator,30)", "UserEvent(Operator,Result: ${ACD_RESULT})")
    text = f"{(EXAMPLES / 'extensions.conf').read_text()}\n{plan}"
    queues = [Queue("sales"), Queue("support"), Queue("orders")]
    async with rig(provisioned, tmp_path, [Agent("anna")], queues=queues, options=chosen, dialplan=text) as it:
        for name in ("welcome", "menu", "support"):
            it.pbx.add_sound(f"shop/{name}", tone(400, 100))
        async with it.pbx.ami() as ami, it.callers(CallSpec("10001", "3000")) as callers:
            await until(lambda: it.channel.health()["in_menus"] == 1, lambda: str(it.channel.health()))
            await it.press("10001", "0")
            told = await ami.event("UserEvent", lambda event: event.get("UserEvent") == "Operator")
            assert told["Result"] == "menu"
            await callers.finished(seconds=10)
        async with it.callers(CallSpec("10002", "3000", hang_up_after_ms=3_000)) as callers:
            await until(lambda: it.channel.health()["in_menus"] == 1, lambda: str(it.channel.health()))
            await it.press("10002", "1")
            queued = await it.event(InteractionQueued)
            assert (queued.queue, dict(queued.attributes)["topic"]) == ("sales", "购买")
            await callers.finished(seconds=10)
        await it.empty()
