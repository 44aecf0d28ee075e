"""Every table of the adapter has something that bounds it, and a line that says what."""

from textwrap import dedent

from tests.adapters.asterisk.tables import TABLES, tables, tables_of


def test_each_is_listed() -> None:
    """A new one, or one that is no more: say in `TABLES` what bounds it, or leave its line out."""
    assert tables() == TABLES.keys()


def test_how_they_are_found() -> None:
    text = """
    class Owner(Struct):
        kept: dict[str, int] = field(default_factory=dict)
        count: int = 0

        def __init__(self):
            self._typed: "dict[str, int] | None" = None
            self._queue: asyncio.Queue[str] = asyncio.Queue(5)
            self._one, self._two = {}, 2
            self._made = OrderedDict()
            local = []
            self._fixed = ()

    class Frozen(Struct, frozen=True):
        names: list[str]

    @dataclass(frozen=True)
    class Likewise:
        names: list[str]
    """
    assert set(tables_of(dedent(text))) == {"Owner.kept", "Owner._typed", "Owner._queue", "Owner._one", "Owner._made"}
