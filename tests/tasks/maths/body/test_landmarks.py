"""Landmark names and indices agree."""

import numpy as np

from tasks.maths.body import landmarks
from tasks.maths.body.landmarks import LANDMARK_NAMES, PoseTrack


def test_indices_are_those_of_their_names() -> None:
    assert len(LANDMARK_NAMES) == len(set(LANDMARK_NAMES)) == 33
    for name, index in vars(landmarks).items():
        if isinstance(index, int) and name.lower() in LANDMARK_NAMES:
            assert LANDMARK_NAMES[index] == name.lower()
    assert [LANDMARK_NAMES[index] for index in landmarks.HIPS] == ["left_hip", "right_hip"]
    assert [LANDMARK_NAMES[index] for index in landmarks.SHOULDERS] == ["left_shoulder", "right_shoulder"]
    assert {LANDMARK_NAMES[index].rsplit("_", 1)[-1] for index in landmarks.FEET} == {"ankle", "heel", "index"}


def test_a_frame_without_hips_is_a_frame_without_a_person() -> None:
    xy_px = np.zeros((3, 33, 2))
    xy_px[1] = np.nan
    track = PoseTrack(np.arange(3.0), xy_px, *(np.zeros((3, 33)) for _ in range(3)))
    assert track.frames == 3
    assert track.found.tolist() == [True, False, True]
