"""Times before zero are delayed to zero."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import OutputError
from tasks.media.output.written_check import check_written_video
from tests.support.clips import Made, make, planes
from tests.support.rewrite_clip import alpha_writer_for, read, rewrite, sound_packets

EARLY = Made(
    ticks=[-9000, -6000, -2900, 0, 3100, 6000],
    last_ticks=3000,
    time_base=Fraction(1, 90000),
    tones=["mp2"],
    tone_start_s=Fraction(-1, 10),
    container={"avoid_negative_ts": "disabled", "mpegts_copyts": "1"},
)
NOTE = (
    "the file's times begin 0.100 s before zero, where players show nothing: picture and sound were delayed by as much"
)


@pytest.fixture
def early(tmp_path: Path) -> Path:
    source = make(tmp_path / "early.ts", EARLY)
    assert read(source)[1].pts.tolist() == list(EARLY.ticks)
    return source


def test_an_mp4_shows_frames_with_negative_times_at_their_own_intervals(early: Path, tmp_path: Path) -> None:
    _, table, notes = rewrite(early, tmp_path / "out.mp4")
    clip, again = read(tmp_path / "out.mp4")
    assert (clip.time_base, clip.broken) == (Fraction(1, 90000), "")
    assert again.pts.tolist() == [tick + 9000 for tick in EARLY.ticks]
    assert again.duration.tolist() == table.duration.tolist()
    assert notes == [NOTE]
    ((first_s, _), *_), ((before_s, _), *_) = sound_packets(tmp_path / "out.mp4")[0], sound_packets(early)[0]
    assert first_s == pytest.approx(before_s + Fraction(1, 10), abs=1 / 48000)


@pytest.mark.parametrize("coding", ["webm", "mov"])
def test_a_video_with_opacity_shows_frames_with_negative_times(early: Path, tmp_path: Path, coding: str) -> None:
    clip, table = read(early)
    path = tmp_path / f"out.{coding}"
    writer = alpha_writer_for(path, clip, coding, early)
    opacity = np.ones(clip.size_px[::-1], np.float32)
    with writer:
        for index, (pts, duration) in enumerate(zip(table.pts.tolist(), table.duration.tolist(), strict=True)):
            writer.write(planes(index, clip.size_px, "yuv420p"), opacity, pts, duration)
    assert NOTE in writer.notes
    check_written_video(path, clip.frames, writer.written)
    made, again = read(path)
    shown_s = np.array([float(tick * made.time_base) for tick in again.pts.tolist()])
    assert 0 <= shown_s[0] < 0.02  # WebM leaves room for the priming samples of Opus
    assert np.diff(shown_s) == pytest.approx(np.diff(table.pts) / 90000, abs=0.0011)  # WebM counts milliseconds


def test_a_clock_that_leaps_further_than_mp4_can_hold_is_told_so(tmp_path: Path) -> None:
    ticks = [0, 1, 1 << 40, (1 << 40) + 1]
    made = Made(ticks=ticks, time_base=Fraction(1, 1000), codec="ffv1", options={})
    with pytest.raises(
        OutputError, match=r": its format does not take a frame \(.*\); .*\(clip\.to=\) .*\(clip\.from=\)$"
    ):
        rewrite(make(tmp_path / "leaps.mkv", made), tmp_path / "out.mp4")
