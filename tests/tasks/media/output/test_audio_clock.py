"""In joined recordings, whose clock restarts at each join, the sound continues with the picture."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tasks.media.input.frames import read_frames
from tasks.media.input.probe import FrameTable
from tasks.media.output.audio_clock import AudioClock, RecordingPart, sound_source
from tasks.records import Clip, Restart
from tests.support.clips import Made, make
from tests.support.rewrite_clip import SoundTrackPackets, alpha_writer_for, read, rewrite, sound_packets

TICK_S = Fraction(1, 90_000)
TWO_S = Made(tones=["aac"], ticks=range(0, 60 * 3000, 3000), last_ticks=3000, time_base=TICK_S)
LATE = replace(TWO_S, tone_start_s=Fraction(1, 2))
PACKET_S = Fraction(1, 50)
PARTS = (
    RecordingPart(end_s=Fraction(4)),
    RecordingPart(1000, Fraction(4), Fraction(8), Fraction(4)),
    RecordingPart(2000, Fraction(8), delay_s=Fraction(8)),
)


def join_files(folder: Path, name: str, parts: Sequence[Made]) -> tuple[list[Path], Path]:
    made = [make(folder / f"{number}_{name}", part) for number, part in enumerate(parts)]
    whole = folder / name
    whole.write_bytes(b"".join(part.read_bytes() for part in made))
    return made, whole


def assert_same_sound(before: SoundTrackPackets, after: SoundTrackPackets) -> None:
    """MP4 stores AAC without the header that each packet has in a transport stream."""
    assert all(was.endswith(now) for (_, was), (_, now) in zip(before, after, strict=True))


@pytest.mark.parametrize("codec", ["aac", "ac3", "mp2"])
def test_copied_sound_is_delayed_like_the_picture(tmp_path: Path, codec: str) -> None:
    tones = [codec, codec]
    (first, second), source = join_files(tmp_path, "a.ts", [replace(TWO_S, tones=tones), replace(LATE, tones=tones)])
    clip, table, notes = rewrite(source, tmp_path / "out.mp4")
    shown = read(second)[1].pts
    delay_s = int(table.pts[60] - shown[0]) * TICK_S
    assert clip.frames == 120
    assert delay_s == 2
    assert [len(sound_packets(path)) for path in (source, tmp_path / "out.mp4")] == [2, 2]
    for before, after, heard in zip(
        sound_packets(first), sound_packets(second), sound_packets(tmp_path / "out.mp4"), strict=True
    ):
        expected = [*before, *((time_s + delay_s, content) for time_s, content in after)]
        assert_same_sound(expected, heard)
        assert max(abs(was - now) for (was, _), (now, _) in zip(expected, heard, strict=True)) < Fraction(1, 40_000)
    assert notes == []


def test_sound_outside_the_pictures_is_left_out_and_noted(tmp_path: Path) -> None:
    (first, second), source = join_files(tmp_path, "a.ts", [TWO_S, TWO_S])
    _, _, notes = rewrite(source, tmp_path / "out.mp4")
    before, after, (heard,) = sound_packets(first)[0], sound_packets(second)[0], sound_packets(tmp_path / "out.mp4")
    # AAC begins with a packet that only primes the decoder: the second part's would overlap the end of the first.
    assert_same_sound([*before, *after[1:]], heard)
    assert notes == ["sound track 1 (aac) lacks 0.021 s, where the file's clock restarts"]


def test_matroska_files_are_joined_in_the_same_way(tmp_path: Path) -> None:
    (first, second), source = join_files(tmp_path, "a.mkv", [TWO_S, LATE])
    rewrite(source, tmp_path / "out.mp4")
    (heard,) = sound_packets(tmp_path / "out.mp4")
    start_s = next(time_s for time_s, _ in sound_packets(second)[0])
    assert float(heard[len(sound_packets(first)[0])][0]) == pytest.approx(2 + float(start_s), abs=0.002)


def webm(source: Path, target: Path) -> tuple[FrameTable, list[float], list[str]]:
    """The source's frame table, the times of the sound in its WebM since the first picture, and the notes."""
    clip, table = read(source)
    writer = alpha_writer_for(target, clip, "webm", source)
    opacity = np.ones(clip.size_px[::-1], np.float32)
    with writer:
        for frame in read_frames(source, clip):
            writer.write(frame.planes, opacity, frame.pts, frame.duration)
    with av.open(str(target)) as file:
        began = next(file.decode(video=0)).time
        assert began is not None
    return table, [float(time_s) - began for time_s, _ in sound_packets(target)[0]], writer.notes


def test_encoded_sound_is_delayed_like_the_picture(tmp_path: Path) -> None:
    table, heard_s, notes = webm(join_files(tmp_path, "a.ts", [TWO_S, LATE])[1], tmp_path / "out.webm")
    assert notes == ["sound track 1 was re-encoded from aac to Opus, as WebM needs"]
    silent = int(np.argmax(np.diff(heard_s)))
    # The sound pauses from the end of the first part's pictures until half a second after the second part begins.
    picture_s = float(table.pts[60] - table.pts[0]) / 90_000
    assert heard_s[silent] == pytest.approx(picture_s, abs=0.05)
    assert heard_s[silent + 1] == pytest.approx(picture_s + 0.5, abs=0.05)
    assert heard_s[-1] == pytest.approx(picture_s + 2, abs=0.05)


def test_encoded_sound_continues_across_a_join(tmp_path: Path) -> None:
    source = join_files(tmp_path, "a.ts", [TWO_S, TWO_S, TWO_S])[1]
    _, heard_s, notes = webm(source, tmp_path / "out.webm")
    assert heard_s[-1] == pytest.approx(6, abs=0.05)
    assert max(np.diff(heard_s)) < 0.03
    assert len(notes) == 2
    assert notes[1].startswith("sound track 1 (aac) lacks 0.0")


def test_sound_ends_where_the_pictures_break_off(tmp_path: Path) -> None:
    far = replace(
        LATE, size_px=(96, 64), ticks=range(180_000, 180_000 + 240 * 3000, 3000), tone_start_s=Fraction(21, 10)
    )
    source = join_files(tmp_path, "a.ts", [TWO_S, far])[1]
    clip, _, notes = rewrite(source, tmp_path / "out.mp4")
    assert (clip.frames, "the picture changes" in clip.broken) == (60, True)
    (heard,) = sound_packets(tmp_path / "out.mp4")
    end_s = clip.start_s + clip.duration_s
    assert end_s - 1024 / 48_000 <= heard[-1][0] < end_s
    assert notes == [f"sound track 1 (aac) ends with the picture, at {end_s:.2f} s"]


def test_the_clip_stores_the_restart(tmp_path: Path) -> None:
    clip, table = read(join_files(tmp_path, "a.ts", [TWO_S, TWO_S])[1])
    (restart,) = clip.restarts
    assert restart.pts == table.pts[60]
    assert restart.stored == table.pts[0]
    assert restart.place == (tmp_path / "0_a.ts").stat().st_size + 3 * 188  # after three packets of tables
    assert Clip.from_json(asdict(clip)) == clip


def test_a_clip_without_restarts_has_one_part(tmp_path: Path) -> None:
    clip, _ = read(make(tmp_path / "a.mp4", Made()))
    assert sound_source(tmp_path, clip).parts == (RecordingPart(),)
    unknown = replace(clip, restarts=(Restart(-1, 0, 15360),))
    assert sound_source(tmp_path, unknown).parts[1].byte_offset > 10**12


def repaired(clock: AudioClock, begin_s: float, end_s: float, byte_offset: int) -> list[float | None]:
    """Repaired times of the packets between two stored times, all at one byte offset; None: left out."""
    times = np.arange(round(begin_s / PACKET_S), round(end_s / PACKET_S)).tolist()
    delays = [(at * PACKET_S, clock.delay_s(at * PACKET_S, PACKET_S, byte_offset)) for at in times]
    return [None if delay_s is None else float(at_s + delay_s) for at_s, delay_s in delays]


def packet_times(begin_s: float, end_s: float) -> list[float]:
    return [float(at * PACKET_S) for at in range(round(begin_s / PACKET_S), round(end_s / PACKET_S))]


def test_sound_stored_after_the_next_part_s_first_picture_keeps_its_part() -> None:
    clock = AudioClock(PARTS)
    assert repaired(clock, 0, 3, 500) == packet_times(0, 3)
    assert repaired(clock, 3, 4.1, 1200) == [*packet_times(3, 4), *[None] * 5]
    assert repaired(clock, 0, 1, 1500) == packet_times(4, 5)


def test_sound_follows_a_small_step_back_of_the_picture() -> None:
    clock = AudioClock((RecordingPart(end_s=Fraction(4)), RecordingPart(1000, Fraction(4), delay_s=Fraction(1, 10))))
    assert repaired(clock, 0, 3.9, 500) == packet_times(0, 3.9)
    times = repaired(clock, 3.9, 8, 1500)
    assert times[-100:] == pytest.approx([at_s + 0.1 for at_s in packet_times(6, 8)])
    assert clock.lost_s < Fraction(1, 10)


def test_sound_stored_before_its_part_s_first_picture_gets_its_part() -> None:
    clock = AudioClock(PARTS)
    assert repaired(clock, 0, 4, 900) == packet_times(0, 4)
    assert repaired(clock, 0, 1, 950) == packet_times(4, 5)
    assert repaired(clock, 1, 2, 1500) == packet_times(5, 6)


def test_unknown_byte_offsets_are_not_needed() -> None:
    clock = AudioClock((PARTS[0], *(replace(part, byte_offset=float("inf")) for part in PARTS[1:])))
    for delay_s in (0, 4, 8):
        assert repaired(clock, 0, 4, 0) == packet_times(delay_s, delay_s + 4)


def test_missing_sound_of_one_part_does_not_shift_the_next() -> None:
    ends_early = AudioClock(PARTS)
    repaired(ends_early, 0, 1, 500)
    assert repaired(ends_early, 2, 3, 1500) == packet_times(6, 7)  # no step back, but another part
    left_out = AudioClock(PARTS)
    repaired(left_out, 0, 4, 500)
    assert repaired(left_out, 0, 1, 2500) == packet_times(8, 9)


def test_sound_outside_the_pictures_of_its_part_counts_as_lost() -> None:
    clock = AudioClock(PARTS)
    assert repaired(clock, 0, 6, 500) == [*packet_times(0, 4), *[None] * 100]
    assert repaired(clock, -1, 1, 1500) == [*[None] * 50, *packet_times(4, 5)]
    assert clock.lost_s == 3
    assert not clock.ended


def test_a_restart_of_the_sound_alone_is_repaired_and_a_single_wrong_time_is_left_out() -> None:
    clock = AudioClock((RecordingPart(),))
    assert repaired(clock, 10, 12, 0) == packet_times(10, 12)
    assert repaired(clock, 3, 3.02, 0) == [None]
    assert repaired(clock, 12.02, 13, 0) == packet_times(12.02, 13)
    assert repaired(clock, 0, 1, 0) == [None, *packet_times(13, 13.98)]
    assert clock.lost_s == 2 * PACKET_S
    assert clock.own_restart_s == 13


def test_sound_of_the_last_part_ends_with_its_pictures() -> None:
    clock = AudioClock((RecordingPart(end_s=Fraction(1)),))
    assert repaired(clock, 0, 2, 0) == [*packet_times(0, 1), *[None] * 50]
    assert clock.ended
    assert clock.lost_s == 0
