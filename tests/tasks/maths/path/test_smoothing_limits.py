"""Settings that a clip's length and frame rate allow, and the message for those that they do not."""

import subprocess
import sys
from pathlib import Path

import pytest

from conf.enums import Smoother
from conf.lock import SmoothingConf
from tasks.errors import SettingError
from tasks.maths.path.smoothing_limits import DEFAULT_WINDOW_FRAMES, check_smoothing, usable_window_frames

WINDOWED = [Smoother.moving, Smoother.gaussian, Smoother.savgol]


@pytest.mark.parametrize(
    ("settings", "frames", "rate_hz", "sentence"),
    [
        (
            SmoothingConf(Smoother.moving, 61),
            60,
            30.0,
            "smoothing.window: 61 frames is longer than the clip of 60; give an odd number of at most 59",
        ),
        (
            SmoothingConf(Smoother.gaussian, 7),
            3,
            30.0,
            "smoothing.window: 7 frames is longer than the clip of 3; give an odd number of at most 3",
        ),
        (
            SmoothingConf(Smoother.savgol, window_s=2.5),
            60,
            30.0,
            "smoothing.window_s: 2.5 s is longer than the clip of 2 s; give at most 2",
        ),
        (
            SmoothingConf(Smoother.savgol, 5, order=5),
            60,
            30.0,
            "smoothing.order: a polynomial of order 5 needs more than the window's 5 frames; give at most 4, or a "
            "longer window",
        ),
        (
            SmoothingConf(Smoother.savgol, window_s=0.1, order=4),
            60,
            30.0,
            "smoothing.order: a polynomial of order 4 needs more than the window's 3 frames; give at most 2, or a "
            "longer window",
        ),
        (
            SmoothingConf(Smoother.butterworth, cutoff_hz=15),
            60,
            30.0,
            "smoothing.cutoff_hz: 15 Hz is not between 0 and half the frame rate (15 Hz); give less than 15",
        ),
        (
            SmoothingConf(Smoother.kalman),
            60,
            5.0,
            "smoothing.cutoff_hz: 3 Hz is not between 0 and half the frame rate (2.5 Hz); give less than 2.5",
        ),
    ],
)
def test_settings_that_the_clip_does_not_allow_are_refused_in_one_line(
    settings: SmoothingConf, frames: int, rate_hz: float, sentence: str
) -> None:
    with pytest.raises(SettingError) as caught:
        check_smoothing(settings, frames, rate_hz)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("kind", WINDOWED)
@pytest.mark.parametrize(("frames", "fitted"), [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5), (600, 5)])
def test_the_default_window_shrinks_to_a_shorter_clip(kind: Smoother, frames: int, fitted: int) -> None:
    settings = SmoothingConf(kind)
    check_smoothing(settings, frames, 30.0)
    assert usable_window_frames(settings, frames, 30.0) == fitted


@pytest.mark.parametrize("kind", [kind for kind in Smoother if kind not in WINDOWED])
def test_a_window_is_checked_only_where_it_is_used(kind: Smoother) -> None:
    check_smoothing(SmoothingConf(kind, 999, window_s=50.0), 30, 30.0)


@pytest.mark.parametrize("kind", [*WINDOWED, Smoother.l1, Smoother.none])
def test_a_cutoff_is_checked_only_where_it_is_used(kind: Smoother) -> None:
    check_smoothing(SmoothingConf(kind, cutoff_hz=500), 30, 30.0)


@pytest.mark.parametrize(
    ("window_s", "rate_hz", "frames"),
    [
        (1 / 6, 30.0, 5),
        (1 / 3, 30.0, 11),
        (0.3, 30.0, 9),
        (0.01, 30.0, 1),
        (0.5, 24.0, 13),
        (0.5, 60.0, 31),
        (1.0, 30000 / 1001, 29),
    ],
)
def test_seconds_become_the_nearest_odd_number_of_frames(window_s: float, rate_hz: float, frames: int) -> None:
    settings = SmoothingConf(window=99, window_s=window_s)
    assert usable_window_frames(settings, 500, rate_hz) == frames
    assert abs(frames - window_s * rate_hz) <= 1.0 + 1e-6 or frames == 1


def test_a_window_as_long_as_the_clip_is_allowed() -> None:
    settings = SmoothingConf(window_s=2.0)
    check_smoothing(settings, 60, 30.0)
    assert usable_window_frames(settings, 60, 30.0) == 59
    check_smoothing(SmoothingConf(window=61), 61, 30.0)


@pytest.mark.parametrize("kind", Smoother)
def test_unknown_values_are_not_checked(kind: Smoother) -> None:
    check_smoothing(SmoothingConf(kind, 999, order=8, cutoff_hz=999), 0, 0.0)
    check_smoothing(SmoothingConf(kind, window_s=999, cutoff_hz=999), 0, 0.0)


def test_a_window_of_one_frame_allows_every_order() -> None:
    check_smoothing(SmoothingConf(Smoother.savgol, 1, order=4), 60, 30.0)


def test_the_check_loads_no_library() -> None:
    loaded = "{'numpy', 'scipy', 'pyarrow'} & set(sys.modules)"
    code = f"import sys, tasks.maths.path.smoothing_limits; sys.exit(bool({loaded}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[4], check=False).returncode == 0


def test_the_window_that_shrinks_is_the_default_of_the_settings() -> None:
    assert SmoothingConf().window == DEFAULT_WINDOW_FRAMES
