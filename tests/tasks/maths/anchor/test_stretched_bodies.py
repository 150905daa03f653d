"""Poses whose torso is too long for the person, and torsos that only look longer than a moment ago."""

import numpy as np
import pytest

from tasks.maths.anchor.anchor_point import STRETCHED_SHARE, stretched_frames
from tasks.maths.arrays import Floats
from tests.support.drawn.paths import even_times, uneven_times

FRAMES = 120
TORSO_PX = 100.0
TIME_S = even_times(FRAMES)
FRAME = np.arange(FRAMES)


def torso(share: float | Floats = 1.0) -> Floats:
    """Lengths (n,) of a torso that breathes, in px."""
    return TORSO_PX * share * (1 + 0.05 * np.sin(FRAME / 4))


def found(torso_px: Floats) -> list[int]:
    return np.flatnonzero(stretched_frames(TIME_S, torso_px)).tolist()


@pytest.mark.parametrize("time_s", [TIME_S, uneven_times(FRAMES)], ids=["even", "uneven"])
@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 2), (60, 60), (60, 63), (FRAMES - 2, FRAMES - 1)])
def test_a_torso_that_is_suddenly_too_long_is_wrong_and_so_is_the_next_pose(
    time_s: Floats, first: int, last: int
) -> None:
    length_px = torso()
    length_px[first : last + 1] *= 1.4
    wrong = np.flatnonzero(stretched_frames(time_s, length_px)).tolist()
    assert wrong == [frame for frame in range(first, last + 2) if frame < FRAMES]


def test_a_pose_that_is_not_the_next_frames_is_not_wrong_with_it() -> None:
    """The person was lost in between: the model did not begin at the wrong pose."""
    length_px = torso()
    length_px[60] *= 1.4
    length_px[61:65] = np.nan
    assert found(length_px) == [60, 61]  # nobody is seen in 61


@pytest.mark.parametrize(
    "share",
    [
        np.linspace(0.5, 2, FRAMES),
        np.where(FRAME < 60, 0.4, 1.0),
        np.where(abs(FRAME - 60) < 30, 0.4, 1.0),
        np.where(FRAME % 20 < 5, 0.3, 1.0),
        1 + 0.4 * np.exp(-(((FRAME - 60) / 3) ** 2)),
    ],
    ids=["comes nearer", "rises", "bends down for a while", "bends again and again", "stretches"],
)
def test_who_comes_nearer_bends_rises_or_stretches_is_not_wrong(share: Floats) -> None:
    assert found(torso(share)) == []


def test_a_loss_hides_no_wrong_pose_after_it() -> None:
    length_px = torso()
    length_px[30:60] = np.nan
    length_px[60] *= 1.4
    assert found(length_px) == [60, 61]


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_of_a_short_clip_not_every_pose_is_wrong(frames: int) -> None:
    assert not stretched_frames(even_times(frames), np.linspace(TORSO_PX, 2 * TORSO_PX, frames)).all()


def test_the_size_of_the_picture_does_not_matter() -> None:
    length_px = torso() * np.random.default_rng(1).normal(1, 0.1, FRAMES)
    assert 0 < len(found(length_px)) < FRAMES
    assert found(0.1 * length_px) == found(length_px)


def test_the_limit_is_a_share_of_the_usual_length() -> None:
    length_px = np.full(FRAMES, TORSO_PX)
    length_px[[30, 60]] *= STRETCHED_SHARE * np.array([0.99, 1.01])
    assert found(length_px) == [60, 61]


def test_a_torso_that_is_never_seen_is_not_wrong() -> None:
    assert found(np.full(FRAMES, np.nan)) == []
