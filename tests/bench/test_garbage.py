"""Every setting of the collector gets its turn, and the usual one is back afterwards."""

import gc

from bench.garbage import MODES, measure, report


def test_every_mode_is_measured_and_put_back() -> None:
    usual = gc.get_threshold()
    result = measure("low", 40, rounds=1, cycles=100, seed=5)
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() == 0
    assert [timing.name for timing in result.timings] == [mode.name for mode in MODES]
    assert result.collections[-1] == (0, 0, 0)
    assert result.collections[0][0] > 0
    written = report([result])["results"]
    assert isinstance(written, list)
    for figures in written[0]["modes"].values():
        assert figures["p50"] <= figures["p99"] <= figures["p99.9"] <= figures["worst"]
