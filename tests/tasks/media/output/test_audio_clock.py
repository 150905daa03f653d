"""Joined recordings, whose clock starts again in the middle: the sound goes on with the picture."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tasks.media.input.frames import frames
from tasks.media.input.probe import FrameTable
from tasks.media.output.audio_clock import Part, SoundClock, sounding
from tasks.records import Clip, Restart
from tests.support.clips import Made, make
from tests.support.rewriting import Heard, alpha_like, packets, read, rewrite

TICK_S = Fraction(1, 90_000)
TWO_S = Made(tones=["aac"], ticks=range(0, 60 * 3000, 3000), last_ticks=3000, time_base=TICK_S)
LATE = replace(TWO_S, tone_start_s=Fraction(1, 2))
PACKET_S = Fraction(1, 50)
PARTS = (
    Part(end_s=Fraction(4)),
    Part(1000, Fraction(4), Fraction(8), Fraction(4)),
    Part(2000, Fraction(8), later_s=Fraction(8)),
)


def joined(folder: Path, name: str, parts: Sequence[Made]) -> tuple[list[Path], Path]:
    made = [make(folder / f"{number}_{name}", part) for number, part in enumerate(parts)]
    whole = folder / name
    whole.write_bytes(b"".join(part.read_bytes() for part in made))
    return made, whole


def assert_same_sound(before: Heard, after: Heard) -> None:
    """MP4 takes AAC without the header that each packet has in a transport stream."""
    assert all(was.endswith(now) for (_, was), (_, now) in zip(before, after, strict=True))


@pytest.mark.parametrize("codec", ["aac", "ac3", "mp2"])
def test_copied_sound_comes_as_much_later_as_the_picture(tmp_path: Path, codec: str) -> None:
    tones = [codec, codec]
    (first, second), source = joined(tmp_path, "a.ts", [replace(TWO_S, tones=tones), replace(LATE, tones=tones)])
    clip, table, notes = rewrite(source, tmp_path / "out.mp4")
    shown = read(second)[1].pts
    later_s = int(table.pts[60] - shown[0]) * TICK_S
    assert clip.frames == 120
    assert later_s == 2
    assert [len(packets(path)) for path in (source, tmp_path / "out.mp4")] == [2, 2]
    for before, after, heard in zip(packets(first), packets(second), packets(tmp_path / "out.mp4"), strict=True):
        expected = [*before, *((time_s + later_s, content) for time_s, content in after)]
        assert_same_sound(expected, heard)
        assert max(abs(was - now) for (was, _), (now, _) in zip(expected, heard, strict=True)) < Fraction(1, 40_000)
    assert notes == []


def test_what_lies_beside_the_picture_is_left_out_and_said(tmp_path: Path) -> None:
    (first, second), source = joined(tmp_path, "a.ts", [TWO_S, TWO_S])
    _, _, notes = rewrite(source, tmp_path / "out.mp4")
    before, after, (heard,) = packets(first)[0], packets(second)[0], packets(tmp_path / "out.mp4")
    # AAC begins with a packet that only fills its decoder: the second part's would be heard over the end of the first.
    assert_same_sound([*before, *after[1:]], heard)
    assert notes == ["sound track 1 (aac) lacks 0.021 s, where the file's clock starts again"]


def test_matroska_too(tmp_path: Path) -> None:
    (first, second), source = joined(tmp_path, "a.mkv", [TWO_S, LATE])
    rewrite(source, tmp_path / "out.mp4")
    (heard,) = packets(tmp_path / "out.mp4")
    start_s = next(time_s for time_s, _ in packets(second)[0])
    assert float(heard[len(packets(first)[0])][0]) == pytest.approx(2 + float(start_s), abs=0.002)


def webm(source: Path, target: Path) -> tuple[FrameTable, list[float], list[str]]:
    """The file's frames, when the sound of its WebM is heard, from the first picture on, and what was noted."""
    clip, table = read(source)
    sink = alpha_like(target, clip, "webm", source)
    opacity = np.ones(clip.size_px[::-1], np.float32)
    with sink:
        for picture in frames(source, clip):
            sink.write(picture.planes, opacity, picture.pts, picture.duration)
    with av.open(str(target)) as file:
        began = next(file.decode(video=0)).time
        assert began is not None
    return table, [float(time_s) - began for time_s, _ in packets(target)[0]], sink.notes


def test_encoded_sound_comes_as_much_later(tmp_path: Path) -> None:
    table, heard_s, notes = webm(joined(tmp_path, "a.ts", [TWO_S, LATE])[1], tmp_path / "out.webm")
    assert notes == ["sound track 1 was re-encoded from aac to Opus, as WebM needs"]
    silent = int(np.argmax(np.diff(heard_s)))
    # From the end of the first part's pictures to where the sound of the second begins, half a second after its own.
    picture_s = float(table.pts[60] - table.pts[0]) / 90_000
    assert heard_s[silent] == pytest.approx(picture_s, abs=0.05)
    assert heard_s[silent + 1] == pytest.approx(picture_s + 0.5, abs=0.05)
    assert heard_s[-1] == pytest.approx(picture_s + 2, abs=0.05)


def test_encoded_sound_goes_on_over_a_seam(tmp_path: Path) -> None:
    source = joined(tmp_path, "a.ts", [TWO_S, TWO_S, TWO_S])[1]
    _, heard_s, notes = webm(source, tmp_path / "out.webm")
    assert heard_s[-1] == pytest.approx(6, abs=0.05)
    assert max(np.diff(heard_s)) < 0.03
    assert len(notes) == 2
    assert notes[1].startswith("sound track 1 (aac) lacks 0.0")


def test_sound_ends_with_pictures_that_break_off(tmp_path: Path) -> None:
    far = replace(
        LATE, size_px=(96, 64), ticks=range(180_000, 180_000 + 240 * 3000, 3000), tone_start_s=Fraction(21, 10)
    )
    source = joined(tmp_path, "a.ts", [TWO_S, far])[1]
    clip, _, notes = rewrite(source, tmp_path / "out.mp4")
    assert (clip.frames, "the picture changes" in clip.broken) == (60, True)
    (heard,) = packets(tmp_path / "out.mp4")
    end_s = clip.start_s + clip.duration_s
    assert end_s - 1024 / 48_000 <= heard[-1][0] < end_s
    assert notes == [f"sound track 1 (aac) ends with the picture, at {end_s:.2f} s"]


def test_the_restart_is_kept_with_the_clip(tmp_path: Path) -> None:
    clip, table = read(joined(tmp_path, "a.ts", [TWO_S, TWO_S])[1])
    (restart,) = clip.restarts
    assert restart.pts == table.pts[60]
    assert restart.stored == table.pts[0]
    assert restart.place == (tmp_path / "0_a.ts").stat().st_size + 3 * 188  # behind three packets of tables
    assert Clip.from_json(asdict(clip)) == clip


def test_a_clip_without_restarts_has_one_part(tmp_path: Path) -> None:
    clip, _ = read(make(tmp_path / "a.mp4", Made()))
    assert sounding(tmp_path, clip).parts == (Part(),)
    unknown = replace(clip, restarts=(Restart(-1, 0, 15360),))
    assert sounding(tmp_path, unknown).parts[1].place > 10**12


def heard(clock: SoundClock, begin_s: float, end_s: float, place: int) -> list[float | None]:
    """When the packets of a stretch by the file's clock are heard, all of which lie in one place."""
    times = np.arange(round(begin_s / PACKET_S), round(end_s / PACKET_S)).tolist()
    laters = [(at * PACKET_S, clock.later_s(at * PACKET_S, PACKET_S, place)) for at in times]
    return [None if later_s is None else float(at_s + later_s) for at_s, later_s in laters]


def stretch(begin_s: float, end_s: float) -> list[float]:
    return [float(at * PACKET_S) for at in range(round(begin_s / PACKET_S), round(end_s / PACKET_S))]


def test_sound_behind_the_first_picture_of_the_next_part_stays_with_its_own() -> None:
    clock = SoundClock(PARTS)
    assert heard(clock, 0, 3, 500) == stretch(0, 3)
    assert heard(clock, 3, 4.1, 1200) == [*stretch(3, 4), *[None] * 5]
    assert heard(clock, 0, 1, 1500) == stretch(4, 5)


def test_sound_whose_clock_goes_on_while_the_picture_steps_back_a_little_goes_with_the_picture() -> None:
    clock = SoundClock((Part(end_s=Fraction(4)), Part(1000, Fraction(4), later_s=Fraction(1, 10))))
    assert heard(clock, 0, 3.9, 500) == stretch(0, 3.9)
    times = heard(clock, 3.9, 8, 1500)
    assert times[-100:] == pytest.approx([at_s + 0.1 for at_s in stretch(6, 8)])
    assert clock.lost_s < Fraction(1, 10)


def test_sound_before_the_first_picture_of_its_part_comes_with_it() -> None:
    clock = SoundClock(PARTS)
    assert heard(clock, 0, 4, 900) == stretch(0, 4)
    assert heard(clock, 0, 1, 950) == stretch(4, 5)
    assert heard(clock, 1, 2, 1500) == stretch(5, 6)


def test_places_that_are_not_known_are_not_needed() -> None:
    clock = SoundClock((PARTS[0], *(replace(part, place=float("inf")) for part in PARTS[1:])))
    for later_s in (0, 4, 8):
        assert heard(clock, 0, 4, 0) == stretch(later_s, later_s + 4)


def test_sound_that_is_missing_in_a_part_does_not_move_that_of_the_next() -> None:
    ends_early = SoundClock(PARTS)
    heard(ends_early, 0, 1, 500)
    assert heard(ends_early, 2, 3, 1500) == stretch(6, 7)  # no step back, but another part
    left_out = SoundClock(PARTS)
    heard(left_out, 0, 4, 500)
    assert heard(left_out, 0, 1, 2500) == stretch(8, 9)


def test_sound_beyond_the_pictures_of_its_part_is_counted_as_lost() -> None:
    clock = SoundClock(PARTS)
    assert heard(clock, 0, 6, 500) == [*stretch(0, 4), *[None] * 100]
    assert heard(clock, -1, 1, 1500) == [*[None] * 50, *stretch(4, 5)]
    assert clock.lost_s == 3
    assert not clock.ended


def test_a_clock_that_starts_again_alone_goes_on_and_a_wrong_time_is_none() -> None:
    clock = SoundClock((Part(),))
    assert heard(clock, 10, 12, 0) == stretch(10, 12)
    assert heard(clock, 3, 3.02, 0) == [None]
    assert heard(clock, 12.02, 13, 0) == stretch(12.02, 13)
    assert heard(clock, 0, 1, 0) == [None, *stretch(13, 13.98)]
    assert clock.lost_s == 2 * PACKET_S
    assert clock.alone_s == 13


def test_sound_of_the_last_part_ends_with_its_pictures() -> None:
    clock = SoundClock((Part(end_s=Fraction(1)),))
    assert heard(clock, 0, 2, 0) == [*stretch(0, 1), *[None] * 50]
    assert clock.ended
    assert clock.lost_s == 0
