"""The API's part of the configuration put into force beside the file's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from acd.errors import ConfigError, EntryOfFile, VersionChanged, VersionsError
from acd.runtime.configurations import ANY, Configurations, Edit, Source, check_in_force, load_in_force, tag_of
from acd.runtime.router import Router
from acd.runtime.versions import EMPTY, FIRST, Version, VersionStore

FILE = """
[api]
open = true
[agents.anna]
skills = { english = 8 }
[queues.sales]
requirement = "skills.english >= 5"
"""
CARLA = {"agents": {"carla": {"skills": {"english": 6}}}}
BOTH = {"agents": {"carla": {"skills": {"english": 7}}, "dora": {}}}


def by(request: str, note: str = "") -> Version:
    return Version(0, 0, "boss", request, note, EMPTY)


@asynccontextmanager
async def life(folder: Path) -> AsyncIterator[tuple[Router, Configurations]]:
    """An engine with what is in force, until it crashes."""
    file = folder / "acd.toml"
    if not file.exists():
        file.write_text(FILE)
    config = check_in_force(file).config
    assert config is not None
    with closing(VersionStore(folder / "acd-versions.db")) as store:
        async with Router(config, channels=()) as router:
            with closing(Configurations(Source(file), store, config, router)) as configurations:
                yield router, configurations
                await router.abort()


async def test_a_version_is_in_force_and_still_is_after_a_crash(tmp_path: Path) -> None:
    async with life(tmp_path) as (router, configurations):
        assert await configurations.current() == FIRST
        first = await configurations.apply(CARLA, FIRST.tag, by("r1", "a new colleague"))
        assert (first.number, first.actor, first.note, first.at_us > 0) == (1, "boss", "a new colleague", True)
        assert set(router.view.agents) == {"anna", "carla"}
        second = await configurations.apply(BOTH, first.tag, by("r2"))
    async with life(tmp_path) as (router, configurations):
        assert set(router.view.agents) == {"anna", "carla", "dora"}
        assert await configurations.current() == second
        assert await configurations.document_of(second) == BOTH
        back = await configurations.apply(await configurations.document_of(first), ANY, by("r3"))
        assert (back.number, set(router.view.agents)) == (3, {"anna", "carla"})
        assert [each.number for each in await configurations.versions(9, 9)] == [3, 2, 1]
        assert await configurations.version(1) == first
        assert await configurations.version(0) == FIRST


async def test_nobody_undoes_what_somebody_else_has_just_done(tmp_path: Path) -> None:
    async with life(tmp_path) as (router, configurations):
        await configurations.apply(CARLA, FIRST.tag, by("r1"))
        with pytest.raises(VersionChanged, match="version 1 is in force"):
            await configurations.apply(BOTH, FIRST.tag, by("r2"))
        assert set(router.view.agents) == {"anna", "carla"}


async def test_a_repetition_is_the_same_version(tmp_path: Path) -> None:
    async with life(tmp_path) as (router, configurations):
        first = await configurations.apply(CARLA, FIRST.tag, by("r1"))
        await configurations.apply(BOTH, first.tag, by("r2"))
        seq = router.seq
        assert await configurations.apply(CARLA, FIRST.tag, by("r1")) == first
        assert (router.seq, set(router.view.agents)) == (seq, {"anna", "carla", "dora"})


async def test_what_is_wrong_changes_nothing(tmp_path: Path) -> None:
    async with life(tmp_path) as (router, configurations):
        with pytest.raises(ConfigError) as caught:
            await configurations.apply({"agents": {"anna": {}}, "queues": {"q": {"strategy": "x"}}}, ANY, by("r1"))
        assert len(caught.value.problems) == 2
        assert await configurations.current() == FIRST
        assert set(router.view.agents) == {"anna"}
        report = await configurations.check(CARLA)
        assert report.config is not None
        assert [each.what for each in await configurations.difference(CARLA)] == ["added"]


async def test_what_cannot_be_kept_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_store: VersionStore, _version: Version, _whole: object) -> Version:
        raise VersionsError("the disk is full")

    async with life(tmp_path) as (router, configurations):
        first = await configurations.apply(CARLA, ANY, by("r1"))
        monkeypatch.setattr(VersionStore, "put", full)
        with pytest.raises(VersionsError):
            await configurations.apply(BOTH, ANY, by("r2"))
        assert set(router.view.agents) == {"anna", "carla"}
        monkeypatch.undo()
        assert await configurations.current() == first
        assert (await configurations.apply(BOTH, first.tag, by("r2"))).number == 2


async def test_the_file_is_as_it_was_read_at_the_start(tmp_path: Path) -> None:
    async with life(tmp_path) as (router, configurations):
        (tmp_path / "acd.toml").write_text(FILE.replace("anna", "berta"))
        await configurations.apply(CARLA, ANY, by("r1"))
        assert set(router.view.agents) == {"anna", "carla"}


def test_a_file_that_names_what_the_api_owns_is_found_before_the_start(tmp_path: Path) -> None:
    file = tmp_path / "acd.toml"
    file.write_text(FILE + "[agents.carla]\n")
    with closing(VersionStore(tmp_path / "acd-versions.db")) as store:
        store.put(Version(0, 1, "boss", "r1", "", b'{"agents":{"carla":{}}}'))
        report = check_in_force(file)
    assert [str(each).partition(": ")[2] for each in report.errors] == [
        "agents.carla: is named by the file and by the API; remove it from one of them"
    ]


def test_a_source_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"acd\.toml"):
        Source(tmp_path / "acd.toml")


ANNA, CARLA_AT = ("agents", "anna"), ("agents", "carla")


def become(entry: dict[str, object] | None) -> Edit:
    return lambda _before: entry


async def test_one_agent_is_edited_and_still_is_after_a_crash(tmp_path: Path) -> None:
    async with life(tmp_path) as (router, configurations):
        seq = router.seq
        first = await configurations.edit(CARLA_AT, become({"skills": {"english": 6}}), "", by("r1", "new"))
        assert (first.number, first.difference, router.seq) == (1, True, seq + 1)
        assert router.view.agents["carla"].settings.skills == (("english", 6),)
        entry = await configurations.entry(*CARLA_AT)
        assert entry == {"skills": {"english": 6}}
        with pytest.raises(VersionChanged, match=r"agents\.carla is another by now"):
            await configurations.edit(CARLA_AT, become({}), tag_of({}), by("r2"))
        addressed = {"skills": {"english": 9}, "addresses": {"voice": "PJSIP/carla"}}
        await configurations.edit(CARLA_AT, become(addressed), tag_of(entry), by("r3"))
        assert router.address("carla", "voice") == "PJSIP/carla"
        assert await configurations.edit(CARLA_AT, become(None), "", by("r1")) == first, "a repetition"
    async with life(tmp_path) as (router, configurations):
        assert router.seq == seq + 3, "recovered, and nothing had to be configured anew"
        assert router.address("carla", "voice") == "PJSIP/carla"
        gone = await configurations.edit(CARLA_AT, become(None), ANY, by("r4"))
        assert (gone.number, set(router.view.agents)) == (3, {"anna"})
        assert await configurations.entry(*CARLA_AT) is None
        with pytest.raises(VersionChanged):
            await configurations.edit(CARLA_AT, become({}), ANY, by("r5"))
        assert await configurations.document_of(first) == CARLA


async def test_what_is_edited_at_the_same_time_is_all_there(tmp_path: Path) -> None:
    async with life(tmp_path) as (router, configurations):
        edits = [
            configurations.edit(
                ("agents", f"a{number}"), become({"skills": {"english": 1 + number % 9}}), "", by(f"r{number}")
            )
            for number in range(40)
        ]
        kept = await asyncio.gather(*edits)
        assert sorted(each.number for each in kept) == list(range(1, 41))
        assert set(router.view.agents) == {"anna", *(f"a{number}" for number in range(40))}


async def test_what_belongs_to_the_file_is_not_edited(tmp_path: Path) -> None:
    async with life(tmp_path) as (router, configurations):
        for place in (ANNA, ("queues", "sales")):
            with pytest.raises(EntryOfFile, match="belongs to the configuration file; change it there"):
                await configurations.edit(place, become(None), "", by("r1"))
        assert set(router.view.agents) == {"anna"}
        assert configurations.entry_of_file(*ANNA) == {"skills": {"english": 8}}


async def test_an_edit_that_is_wrong_changes_nothing(tmp_path: Path) -> None:
    async with life(tmp_path) as (router, configurations):
        await configurations.edit(
            ("capacities", "desk"), become({"channels": {"chat": {"cost": 50, "most": 2}}}), "", by("r0")
        )
        await configurations.edit(CARLA_AT, become({"capacity": "desk"}), "", by("r1"))
        assert router.view.agents["carla"].settings.capacity.channels[0].channel == "chat"
        mistakes: tuple[dict[str, object], ...] = ({"skills": {"english": 11}}, {"skils": {}}, {"capacity": "nothing"})
        for wrong in mistakes:
            with pytest.raises(ConfigError, match=r"the API's part: agents\.carla"):
                await configurations.edit(CARLA_AT, become(wrong), "", by("r2"))
        with pytest.raises(ConfigError, match="capacity"):
            await configurations.edit(("capacities", "desk"), become(None), "", by("r3"))
        await configurations.edit(
            ("queues", "late"), become({"when_full": {"queue": "sales"}, "max_waiting": 1}), "", by("r4")
        )
        with pytest.raises(ConfigError, match="max_waiting"):
            await configurations.edit(("queues", "late"), become({"max_waiting": -1}), "", by("r5"))
        assert (await configurations.current()).number == 3
        assert set(router.view.queues) == {"sales", "late"}


async def test_an_agent_of_a_token_stays(tmp_path: Path) -> None:
    carla = f'[[api.tokens]]\nname = "carla"\ntoken = "{"c" * 24}"\nroles = ["agent"]\nagent = "carla"\n'
    (tmp_path / "acd.toml").write_text(FILE)
    async with life(tmp_path) as (_, configurations):
        await configurations.edit(CARLA_AT, become({}), "", by("r1"))
    (tmp_path / "acd.toml").write_text(FILE.replace("open = true\n", carla))
    loaded = load_in_force(tmp_path / "acd.toml")
    assert [agent.settings.id for agent in loaded.agents] == ["anna", "carla"]
    async with life(tmp_path) as (router, configurations):
        with pytest.raises(ConfigError, match='"carla" is not an agent'):
            await configurations.edit(CARLA_AT, become(None), "", by("r2"))
        assert "carla" in router.view.agents


async def test_an_agent_of_a_token_that_is_gone_may_go(tmp_path: Path) -> None:
    """And nothing that is checked with the file, as it was at the start, is held up by that afterwards."""
    carla = f'[[api.tokens]]\nname = "carla"\ntoken = "{"c" * 24}"\nroles = ["agent"]\nagent = "carla"\n'
    (tmp_path / "acd.toml").write_text(FILE)
    async with life(tmp_path) as (_, configurations):
        await configurations.edit(CARLA_AT, become({}), "", by("r1"))
    (tmp_path / "acd.toml").write_text(FILE.replace("open = true\n", carla))
    async with life(tmp_path) as (router, configurations):
        assert (await configurations.check({})).config is None
        configurations.heed(tuple)
        assert (await configurations.check({})).config is not None
        await configurations.edit(CARLA_AT, become(None), "", by("r2"))
        await configurations.edit(("queues", "late"), become({}), "", by("r3"))
        assert (set(router.view.agents), set(router.view.queues)) == ({"anna"}, {"sales", "late"})


async def test_an_edit_that_cannot_be_kept_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_store: VersionStore, _version: Version, _whole: object) -> Version:
        raise VersionsError("the disk is full")

    async with life(tmp_path) as (router, configurations):
        monkeypatch.setattr(VersionStore, "put", full)
        with pytest.raises(VersionsError):
            await configurations.edit(CARLA_AT, become({}), "", by("r1"))
        assert set(router.view.agents) == {"anna"}
        assert await configurations.entry(*CARLA_AT) is None
