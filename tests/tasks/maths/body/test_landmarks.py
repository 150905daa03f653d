"""Names and indices of the landmarks agree."""

import numpy as np

from tasks.maths.body import landmarks
from tasks.maths.body.landmarks import NAMES, PoseTrack


def test_indices_are_those_of_their_names() -> None:
    assert len(NAMES) == len(set(NAMES)) == 33
    for name, index in vars(landmarks).items():
        if isinstance(index, int) and name.lower() in NAMES:
            assert NAMES[index] == name.lower()
    assert [NAMES[index] for index in landmarks.HIPS] == ["left_hip", "right_hip"]
    assert [NAMES[index] for index in landmarks.SHOULDERS] == ["left_shoulder", "right_shoulder"]
    assert {NAMES[index].rsplit("_", 1)[-1] for index in landmarks.FEET} == {"ankle", "heel", "index"}


def test_a_frame_without_hips_is_a_frame_without_a_person() -> None:
    xy_px = np.zeros((3, 33, 2))
    xy_px[1] = np.nan
    track = PoseTrack(np.arange(3.0), xy_px, *(np.zeros((3, 33)) for _ in range(3)))
    assert track.frames == 3
    assert track.found.tolist() == [True, False, True]
