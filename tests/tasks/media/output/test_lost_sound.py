"""A damaged packet of sound costs its own time only, and the track is said to lack it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tasks.media.output.audio_clock import Sounding
from tasks.media.output.lost_sound import LostSound
from tasks.media.output.output_file import OutputFile
from tasks.media.output.read_back import verify_video
from tests.support import clips
from tests.support.clips import Made, make
from tests.support.rewriting import packets, rewrite

TWO_S = Made(tones=["aac"], ticks=range(0, 60 * 3000, 3000), last_ticks=3000, time_base=Fraction(1, 90_000))
PACKET_S = Fraction(1, 50)
DAMAGED = "damaged"
HEADER = b"\xff\xf1"  # that each packet of AAC has in a transport stream


def told(taken: Sequence[bool], *, begin_s: Fraction = Fraction(1), step_s: Fraction = PACKET_S) -> list[str]:
    lost = LostSound()
    for number, good in enumerate(taken):
        at_s = begin_s + number * step_s
        if good:
            lost.carried(at_s, PACKET_S)
        else:
            lost.refused(at_s, PACKET_S, DAMAGED)
    return lost.facts()


def test_nothing_is_said_of_whole_sound() -> None:
    assert told([]) == told([True] * 9) == []


def test_a_hole_reaches_from_what_was_carried_to_what_is() -> None:
    assert told([True, False, True]) == ["lacks 0.020 s from 1.02 s: 1 damaged packet was left out"]
    assert told([False, False, True]) == ["lacks 0.040 s from 1.00 s: 2 damaged packets were left out"]
    wide = told([True, False, True], step_s=2 * PACKET_S)
    assert wide == ["lacks 0.060 s from 1.02 s: 1 damaged packet was left out"]


def test_holes_are_told_together() -> None:
    facts = told([True, False, True, True, False, False, True])
    assert facts == ["lacks 0.060 s in all, first from 1.02 s: 3 damaged packets were left out"]


def test_a_track_ends_where_nothing_more_is_taken() -> None:
    assert told([True, False]) == ["lacks 0.020 s from 1.02 s: 1 damaged packet was left out"]
    assert told([False]) == told([False] * 9) == told([True] + [False] * 9) == ["ends early: damaged"]
    assert told([True, False, True, False, False])[1:] == ["ends early: damaged"]


def unmarked(head: bytes) -> bytes:
    """As it hangs on to the packet before, or is one of which nothing is known."""
    return b"\x00\x00" + head[2:]


def multiple(head: bytes) -> bytes:
    """With a checksum and several blocks, which FFmpeg takes from none."""
    return b"\xff\xf0" + head[2:6] + bytes([head[6] | 1])


def spoilt(path: Path, change: Callable[[bytes], bytes], numbers: Sequence[int]) -> Path:
    """The file beside, with a ``change`` of the header, of seven bytes, of the packets of sound of such ``numbers``."""
    begin, *pieces = path.read_bytes().split(HEADER)
    heads = [HEADER + piece[:5] for piece in pieces]
    changed = [change(head) if number in numbers else head for number, head in enumerate(heads)]
    beside = path.with_name("spoilt.ts")
    beside.write_bytes(begin + b"".join(head + piece[5:] for head, piece in zip(changed, pieces, strict=True)))
    return beside


def carried(source: Path, target: Path) -> list[str]:
    file = OutputFile(target, target.suffix[1:], {})
    file.carry_sound(Sounding(source))
    file.end(None, lambda: file.mux([], sound_until_s=None))
    return file.notes


@pytest.mark.parametrize("change", [unmarked, multiple])
def test_what_the_result_does_not_take_is_left_out(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    source = make(tmp_path / "a.ts", TWO_S)
    notes = carried(spoilt(source, change, [46]), tmp_path / "out.mp4")
    (before,), (after,) = packets(source), packets(tmp_path / "out.mp4")
    assert notes == ["sound track 1 (aac) lacks 0.021 s from 0.96 s: 1 damaged packet was left out"]
    left_out = before.pop(next(at for at, (_, content) in enumerate(before) if not content.endswith(after[at][1])))
    assert float(left_out[0]) == pytest.approx(0.963, abs=0.001)
    for (was_s, content), (is_s, copy) in zip(before, after, strict=True):
        assert content.endswith(copy)
        assert abs(was_s - is_s) <= Fraction(1, 1000)


def test_what_the_decoder_refuses_is_left_out_of_a_new_encoding(tmp_path: Path) -> None:
    source = spoilt(make(tmp_path / "a.ts", TWO_S), multiple, [46, 47])
    notes = carried(source, tmp_path / "out.webm")
    assert notes[1:] == ["sound track 1 (aac) lacks 0.043 s from 0.96 s: 2 damaged packets were left out"]
    (before,), (after,) = packets(source), packets(tmp_path / "out.webm")
    assert abs(after[-1][0] - before[-1][0]) < 2 * PACKET_S
    assert [at_s for at_s, _ in after if Fraction("0.98") < at_s < 1] == []


def test_a_track_that_cannot_go_on_costs_the_sound_only(tmp_path: Path) -> None:
    source = spoilt(make(tmp_path / "a.ts", TWO_S), multiple, range(20, 1000))
    clip, _, notes = rewrite(source, tmp_path / "out.mp4")
    assert len(notes) == 1
    assert notes[0].startswith("sound track 1 (aac) ends early: ")
    verify_video(tmp_path / "out.mp4", clip.frames)
    (after,) = packets(tmp_path / "out.mp4")
    assert len(after) == 20


def test_sound_of_another_rate_ends_a_new_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make(tmp_path / "a.ts", TWO_S)
    monkeypatch.setattr(clips, "RATE_HZ", 44100)
    second = make(tmp_path / "b.ts", replace(TWO_S, tone_start_s=Fraction(2), ticks=range(0, 120 * 3000, 3000)))
    source = tmp_path / "joined.ts"
    source.write_bytes(first.read_bytes() + second.read_bytes())
    notes = carried(source, tmp_path / "out.webm")
    assert notes[1:] == ["sound track 1 (aac) ends early: the sound changes its rate or its channels"]
