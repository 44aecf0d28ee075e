"""Tones: what is coded is recognised."""

import pytest

from acd_asterisk.lab.ear import Ear
from acd_asterisk.lab.tones import linear, mu_law, pitch, tone

RTP_HEADER = bytes(12)
PACKET = 160


@pytest.mark.parametrize("hertz", [300, 700, 1_100, 2_500])
def test_a_tone_is_recognised(hertz: int) -> None:
    assert pitch(tone(hertz, 40)) == hertz


def test_silence_has_no_pitch() -> None:
    assert pitch(bytes([mu_law(0)]) * 320) == 0
    assert pitch(b"") == 0


@pytest.mark.parametrize("sample", [-32_000, -1_000, -10, 0, 10, 1_000, 32_000])
def test_coding(sample: int) -> None:
    """As near as eight bits can tell: a thirtieth, or eight steps."""
    assert abs(linear(mu_law(sample)) - sample) <= max(8, abs(sample) // 30)


def test_tones_one_after_another() -> None:
    """Silence and the seams between two tones are not tones, and a tone is told once however long it lasts."""
    ear = Ear()
    assert ear.tones() == []
    coded = tone(700, 200) + bytes([mu_law(0)]) * 1_600 + tone(1_100, 210) + tone(900, 200) + tone(700, 200)
    for at in range(0, len(coded), PACKET):
        ear.datagram_received(RTP_HEADER + coded[at : at + PACKET], ("127.0.0.1", 1))
    assert ear.tones() == [700, 1_100, 900, 700]
    assert ear.tones(ear.packets - 8) == [700]
    ear.datagram_received(b"\x00", ("127.0.0.1", 1))
    assert ear.packets == -(-len(coded) // PACKET)
