"""Timecodes: the numbers that are left out, and sums."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.media.output.timecode import is_timecode, later_timecode

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("text", "frames", "rate", "later"),
    [
        ("01:00:00:24", 1, Fraction(25), "01:00:01:00"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:00:59;59", 1, 2 * NTSC, "00:01:00;04"),
        ("00:00:59:29", 1, NTSC, "00:01:00:00"),
        ("00:00:00:099", 1, Fraction(120), "00:00:00:100"),
    ],
)
def test_the_next_frame(text: str, frames: int, rate: Fraction, later: str) -> None:
    assert later_timecode(text, frames, rate) == later


def test_a_drop_frame_timecode_keeps_up_with_the_clock() -> None:
    for tens in range(144):  # 18 numbers of ten minutes are left out: 17982 frames last 599.9994 s
        assert later_timecode("00:00:00;00", 17982 * tens, NTSC) == f"{tens // 6:02}:{tens % 6}0:00;00"


@given(st.integers(0, 3_000_000), st.integers(0, 3_000_000), st.sampled_from(["00:00:00;00", "00:00:00:00"]))
def test_every_sum_is_a_timecode_and_steps_add_up(one: int, two: int, start: str) -> None:
    first = later_timecode(start, one, NTSC)
    assert is_timecode(first, NTSC)
    assert later_timecode(first, two, NTSC) == later_timecode(start, one + two, NTSC)


@pytest.mark.parametrize(
    "text", ["", "1:00:00:00", "24:00:00:00", "00:60:00:00", "00:00:00:25", "00:00:00;00", "00:00:00:00 "]
)
def test_what_is_no_timecode_at_25_hz(text: str) -> None:
    assert not is_timecode(text, Fraction(25))


def test_a_number_that_is_left_out_is_no_timecode() -> None:
    assert not is_timecode("00:01:00;01", NTSC)
    assert is_timecode("00:10:00;01", NTSC)
    with pytest.raises(ValueError, match=r"^'25' is no timecode$"):
        later_timecode("25", 1, NTSC)
