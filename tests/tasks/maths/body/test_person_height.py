"""The person's height in the picture: from the top of the head to the feet, or from the trunk."""

import numpy as np
import pytest

from tasks.maths.body.landmarks import FEET, PoseTrack
from tasks.maths.body.person_height import TORSO_OF_HEIGHT, standing_height_px
from tests.support.drawn.bodies import figure

HEIGHT_PX = 600
# of the figure: 0.4 from the shoulders to the middle of the face, and the feet 1.6 below the hips, in torso lengths
TORSOS = 1.6 + 1.4 + 0.65 * 0.4


def track(frames: int = 20, torso_px: float = 100.0) -> PoseTrack:
    marks = np.stack([figure((300.0 + frame, 300.0), torso_px) for frame in range(frames)])
    return PoseTrack.of(np.arange(frames) / 30, marks)


def test_it_reaches_from_the_top_of_the_head_to_the_feet() -> None:
    height_px, whole = standing_height_px(track(), np.ones(20), HEIGHT_PX)
    assert height_px == pytest.approx(100 * TORSOS)
    assert whole


def test_it_grows_with_the_scale() -> None:
    assert standing_height_px(track(), np.full(20, 1.5), HEIGHT_PX)[0] == pytest.approx(150 * TORSOS)


def test_feet_below_the_picture_leave_the_trunk() -> None:
    height_px, whole = standing_height_px(track(), np.ones(20), 400)
    assert height_px == pytest.approx(100 / TORSO_OF_HEIGHT)
    assert not whole


def test_hidden_feet_leave_the_trunk() -> None:
    hidden = track()
    hidden.visibility[:, list(FEET)] = 0.1
    assert standing_height_px(hidden, np.ones(20), HEIGHT_PX)[1] is False


def test_nobody_has_no_height() -> None:
    nobody = track()
    nobody.xy_px[:] = np.nan
    height_px, whole = standing_height_px(nobody, np.ones(20), HEIGHT_PX)
    assert np.isnan(height_px)
    assert not whole
