"""A damaged packet of sound leaves a gap of its own duration, and a note says so."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tasks.media.output.audio_clock import SoundGaps, SoundSource
from tasks.media.output.output_file import OutputFile
from tasks.media.output.written_check import check_written_video
from tests.support import clips
from tests.support.clips import Made, make
from tests.support.rewrite_clip import rewrite, sound_packets

TWO_S = Made(tones=["aac"], ticks=range(0, 60 * 3000, 3000), last_ticks=3000, time_base=Fraction(1, 90_000))
PACKET_S = Fraction(1, 50)
REASON = "damaged"
HEADER = b"\xff\xf1"  # of each AAC packet in a transport stream


def clauses(carried: Sequence[bool], *, begin_s: Fraction = Fraction(1), step_s: Fraction = PACKET_S) -> list[str]:
    gaps = SoundGaps()
    for number, good in enumerate(carried):
        at_s = begin_s + number * step_s
        if good:
            gaps.add_carried(at_s, PACKET_S)
        else:
            gaps.add_refused(at_s, PACKET_S, REASON)
    return gaps.describe()


def test_complete_sound_has_no_notes() -> None:
    assert clauses([]) == clauses([True] * 9) == []


def test_a_gap_lasts_from_the_last_carried_packet_to_the_next() -> None:
    assert clauses([True, False, True]) == ["lacks 0.020 s from 1.02 s: 1 damaged packet was left out"]
    assert clauses([False, False, True]) == ["lacks 0.040 s from 1.00 s: 2 damaged packets were left out"]
    wide = clauses([True, False, True], step_s=2 * PACKET_S)
    assert wide == ["lacks 0.060 s from 1.02 s: 1 damaged packet was left out"]


def test_gaps_are_summed_up_in_one_clause() -> None:
    facts = clauses([True, False, True, True, False, False, True])
    assert facts == ["lacks 0.060 s in all, first from 1.02 s: 3 damaged packets were left out"]


def test_a_track_ends_where_no_more_packets_are_carried() -> None:
    assert clauses([True, False]) == ["lacks 0.020 s from 1.02 s: 1 damaged packet was left out"]
    assert clauses([False]) == clauses([False] * 9) == clauses([True] + [False] * 9) == ["ends early: damaged"]
    assert clauses([True, False, True, False, False])[1:] == ["ends early: damaged"]


def unmarked(head: bytes) -> bytes:
    """Without its sync word: it joins the packet before, or is unknown."""
    return b"\x00\x00" + head[2:]


def multiple(head: bytes) -> bytes:
    """With a checksum and several blocks, which FFmpeg does not decode."""
    return b"\xff\xf0" + head[2:6] + bytes([head[6] | 1])


def damaged_copy(path: Path, change: Callable[[bytes], bytes], numbers: Sequence[int]) -> Path:
    """A copy of the file with a ``change`` of the headers (7 bytes) of the sound packets with these ``numbers``."""
    begin, *pieces = path.read_bytes().split(HEADER)
    heads = [HEADER + piece[:5] for piece in pieces]
    changed = [change(head) if number in numbers else head for number, head in enumerate(heads)]
    damaged = path.with_name("damaged.ts")
    damaged.write_bytes(begin + b"".join(head + piece[5:] for head, piece in zip(changed, pieces, strict=True)))
    return damaged


def copy_sound(source: Path, target: Path) -> list[str]:
    file = OutputFile(target, target.suffix[1:], {})
    file.copy_beside(SoundSource(source))
    file.end(None, lambda: file.mux([], sound_until_s=None))
    return file.notes


@pytest.mark.parametrize("change", [unmarked, multiple])
def test_a_packet_that_the_muxer_refuses_is_left_out(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    source = make(tmp_path / "a.ts", TWO_S)
    notes = copy_sound(damaged_copy(source, change, [46]), tmp_path / "out.mp4")
    (before,), (after,) = sound_packets(source), sound_packets(tmp_path / "out.mp4")
    assert notes == ["sound track 1 (aac) lacks 0.021 s from 0.96 s: 1 damaged packet was left out"]
    left_out = before.pop(next(at for at, (_, content) in enumerate(before) if not content.endswith(after[at][1])))
    assert float(left_out[0]) == pytest.approx(0.963, abs=0.001)
    for (was_s, content), (is_s, copy) in zip(before, after, strict=True):
        assert content.endswith(copy)
        assert abs(was_s - is_s) <= Fraction(1, 1000)


def test_a_packet_that_the_decoder_refuses_is_left_out_of_the_encoding(tmp_path: Path) -> None:
    source = damaged_copy(make(tmp_path / "a.ts", TWO_S), multiple, [46, 47])
    notes = copy_sound(source, tmp_path / "out.webm")
    assert notes[1:] == ["sound track 1 (aac) lacks 0.043 s from 0.96 s: 2 damaged packets were left out"]
    (before,), (after,) = sound_packets(source), sound_packets(tmp_path / "out.webm")
    assert abs(after[-1][0] - before[-1][0]) < 2 * PACKET_S
    assert [at_s for at_s, _ in after if Fraction("0.98") < at_s < 1] == []


def test_a_track_that_cannot_continue_does_not_cost_the_video(tmp_path: Path) -> None:
    source = damaged_copy(make(tmp_path / "a.ts", TWO_S), multiple, range(20, 1000))
    clip, _, notes = rewrite(source, tmp_path / "out.mp4")
    assert len(notes) == 1
    assert notes[0].startswith("sound track 1 (aac) ends early: ")
    check_written_video(tmp_path / "out.mp4", clip.frames)
    (after,) = sound_packets(tmp_path / "out.mp4")
    assert len(after) == 20


def test_a_change_of_the_sample_rate_ends_the_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make(tmp_path / "a.ts", TWO_S)
    monkeypatch.setattr(clips, "RATE_HZ", 44100)
    second = make(tmp_path / "b.ts", replace(TWO_S, tone_start_s=Fraction(2), ticks=range(0, 120 * 3000, 3000)))
    source = tmp_path / "joined.ts"
    source.write_bytes(first.read_bytes() + second.read_bytes())
    notes = copy_sound(source, tmp_path / "out.webm")
    assert notes[1:] == ["sound track 1 (aac) ends early: the sound changes its rate or its channels"]
