"""A part of a file: exactly its frames, at the file's own times, and the sound that belongs to them."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from conf.clip import ClipConf, seconds
from conf.input import DecodeConf
from tasks.decode import decode
from tasks.errors import SettingError, VideoError
from tasks.media.files.tables import read_json, read_table
from tasks.media.input.frame_cache import cached_frames, forget_frames
from tasks.media.input.frames import Frame, read_frames
from tasks.media.input.probe import scan_video, trimmed
from tasks.media.output.audio_clock import sound_source
from tasks.records import Clip
from tasks.requests import DecodeRequest
from tests.support.clips import Made, make
from tests.support.rewrite_clip import read, video_writer_for

LONG = Made(ticks=range(30720, 30720 + 60 * 512, 512), tones=["aac"], tone_start_s=Fraction(2))  # begins at 2 s


def part_of(path: Path, from_s: float, to_s: float | None) -> Clip:
    clip, table = scan_video(path, "digest", lambda _: None)
    return trimmed(path, clip, table, from_s, to_s)[0]


def pictures(frames: list[Frame]) -> list[bytes]:
    return [frame.planes[0].tobytes() for frame in frames]


def copies(path: Path, clip: Clip) -> list[Frame]:
    return [replace(one, planes=tuple(plane.copy() for plane in one.planes)) for one in read_frames(path, clip)]


@pytest.mark.parametrize(("from_s", "to_s", "first", "last"), [(0.5, 1.2, 15, 35), (0, 1, 0, 29), (1.5, None, 45, 59)])
def test_a_part_has_exactly_its_frames_at_the_files_times(
    from_s: float, to_s: float | None, first: int, last: int, tmp_path: Path
) -> None:
    path = make(tmp_path / "a.mp4", replace(LONG, options={"crf": "10", "bf": "3", "threads": "1"}))
    whole = copies(path, scan_video(path, "digest", lambda _: None)[0])
    clip = part_of(path, from_s, to_s)
    found = copies(path, clip)
    assert pictures(found) == pictures(whole)[first : last + 1]
    assert [frame.pts for frame in found] == [frame.pts for frame in whole][first : last + 1]
    assert [frame.index for frame in found] == list(range(last - first + 1))
    assert [frame.duration for frame in found] == [512] * len(found)
    assert (clip.skipped, clip.frames) == (first, last - first + 1)
    assert clip.start_s == pytest.approx(2 + first / 30)


def test_the_decode_stage_writes_the_part(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", LONG)
    (tmp_path / "out").mkdir()
    request = DecodeRequest(path, "digest", DecodeConf(), ClipConf("00:00:00.5", 1.2))
    assert decode(request, tmp_path / "out", lambda _: None)["frames"] == 21
    table = read_table(tmp_path / "out" / "frames.parquet")
    assert table["frame"].tolist() == list(range(21))
    np.testing.assert_allclose(table["time_s"], 2 + np.arange(15, 36) / 30, atol=1e-9)
    assert Clip.from_json(read_json(tmp_path / "out" / "clip.json")).trimmed


def test_a_part_that_is_the_whole_file_is_the_file(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made())
    clip, table = scan_video(path, "digest", lambda _: None)
    assert trimmed(path, clip, table, 0.0, 99.0)[0] == clip


def test_a_part_behind_the_end_is_refused_with_the_length(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made())
    with pytest.raises(VideoError, match=r"clip\.from: the file lasts 0\.40 s and has no frame from 9 s to the end"):
        part_of(path, 9.0, None)


@pytest.mark.parametrize(
    ("part", "lasts_s"), [((0.0, 0.19), 0.198), ((0.0, 0.25), 0.25), ((0.0, 9.0), 9.0), ((1 << 30, None), 0.198)]
)
def test_a_part_before_or_behind_a_leap_of_the_clock_is_as_long_as_its_frames(
    part: tuple[float, float | None], lasts_s: float, tmp_path: Path
) -> None:
    leap_s, tick_s = 1 << 30, Fraction(1, 1000)  # 34 years
    ticks = [1000 * second + 33 * frame for second in (0, leap_s) for frame in range(6)]
    made = Made(ticks=ticks, last_ticks=33, time_base=tick_s, codec="ffv1", options={})
    source = make(tmp_path / "leaps.mkv", made)
    clip, table = trimmed(source, *scan_video(source, "digest", lambda _: None), *part)
    assert clip.frames == 6
    assert clip.duration_s == pytest.approx(lasts_s)
    assert float(clip.rate) == pytest.approx(6 / lasts_s)
    assert table.duration[:-1].tolist() == [33] * 5
    out = tmp_path / "out.mp4"
    with video_writer_for(out, clip) as writer:
        for frame in read_frames(source, clip):
            writer.write(frame.planes, frame.pts, frame.duration)
    assert read(out)[0].frames == 6


def test_two_parts_of_a_file_do_not_share_their_frames_in_memory(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", LONG)
    try:
        early, late = (list(cached_frames(path, part_of(path, *part), cache_mb=9)) for part in ((0.0, 1.0), (1.0, 2.0)))
        assert early[0].pts != late[0].pts
        assert late[0].pts == next(iter(cached_frames(path, part_of(path, 1.0, 2.0), cache_mb=9))).pts
    finally:
        forget_frames("digest")


def test_a_written_part_begins_at_zero_with_its_own_sound(tmp_path: Path) -> None:
    path, out = make(tmp_path / "a.mp4", LONG), tmp_path / "out.mp4"
    clip = part_of(path, 0.5, 1.5)
    with video_writer_for(out, clip, sound=path) as writer:
        for frame in read_frames(path, clip):
            writer.write(frame.planes, frame.pts, frame.duration)
    assert writer.notes == []
    written, table = read(out)
    assert written.frames == 30
    assert table.pts[0] == 0
    (before_s, before), (after_s, after) = sound(path), sound(out)
    assert 0 <= after_s < 0.03  # the first whole packet behind the cut
    assert after_s + len(after) / 48000 == pytest.approx(1.0, abs=0.03)
    first = round((2.5 + after_s - before_s) * 48000)
    middle = slice(3000, len(after) - 3000)  # a decoder that begins in the middle needs a packet to be exact
    np.testing.assert_allclose(after[middle], before[first : first + len(after)][middle], atol=0.02)


def sound(path: Path) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Begin in seconds, and samples, of the first sound track."""
    with av.open(str(path)) as file:
        blocks = list(file.decode(audio=0))
    assert blocks[0].pts is not None
    assert blocks[0].time_base is not None
    return float(blocks[0].pts * blocks[0].time_base), np.concatenate([block.to_ndarray()[0] for block in blocks])


def test_the_sound_of_a_part_ends_with_it(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", LONG)
    whole, part = scan_video(path, "digest", lambda _: None)[0], part_of(path, 0.5, 1.0)
    assert sound_source(path, whole).begin_s is None
    assert sound_source(path, part).begin_s == Fraction(5, 2)
    assert sound_source(path, part).parts[-1].end_s == 3


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, None), (3, 3.0), (62.5, 62.5), ("00:01:02.5", 62.5), ("1:02", 62.0), ("1:00:00", 3600.0)],
)
def test_times_are_seconds_or_a_clock(given: object, expected: float | None) -> None:
    assert seconds("clip.from_s", given) == expected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ((-1, None), r"clip\.from: -1 s is negative"),
        (("soon", None), r"clip\.from: 'soon' is not a time; give seconds such as 62\.5, or 00:01:02\.5"),
        ((5, 5), r"clip\.to: a part from 5 s to 5 s is empty; give a later end"),
        ((None, 0), r"clip\.to: a part from 0 s to 0 s is empty"),
        ((True, None), r"clip\.from: True is not a time"),
    ],
)
def test_a_part_that_cannot_be_is_refused_before_work(given: tuple[object, object], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        ClipConf(*given)
