"""Landmark names and indices agree; left and right are exchanged; a pose is found by its hips."""

import numpy as np

from tasks.maths.body import landmarks
from tasks.maths.body.landmarks import (
    COUNTERPARTS,
    LANDMARK_NAMES,
    LEFT_ANKLE,
    RIGHT_ANKLE,
    RIGHT_KNEE,
    PoseTrack,
    exchange_sides,
)


def test_indices_are_those_of_their_names() -> None:
    assert len(LANDMARK_NAMES) == len(set(LANDMARK_NAMES)) == 33
    for name, index in vars(landmarks).items():
        if isinstance(index, int) and name.lower() in LANDMARK_NAMES:
            assert LANDMARK_NAMES[index] == name.lower()
    assert [LANDMARK_NAMES[index] for index in landmarks.HIPS] == ["left_hip", "right_hip"]
    assert [LANDMARK_NAMES[index] for index in landmarks.SHOULDERS] == ["left_shoulder", "right_shoulder"]
    feet = [f"{side}_{part}" for part in ("ankle", "heel", "foot_index") for side in ("left", "right")]
    assert [LANDMARK_NAMES[index] for index in landmarks.FEET] == feet
    assert (*landmarks.ANKLES, *landmarks.HEELS, *landmarks.TOES) == landmarks.FEET


def test_every_landmark_has_a_counterpart() -> None:
    assert [COUNTERPARTS[index] for index in COUNTERPARTS] == list(range(33))
    assert COUNTERPARTS[0] == 0 and COUNTERPARTS[LEFT_ANKLE] == RIGHT_ANKLE
    assert LANDMARK_NAMES[COUNTERPARTS[LANDMARK_NAMES.index("mouth_left")]] == "mouth_right"


def test_sides_are_exchanged_in_the_given_frames_and_landmarks_alone() -> None:
    values = np.arange(3 * 33 * 5, dtype=np.float64).reshape(3, 33, 5)
    middle = np.array([False, True, False])
    assert np.array_equal(exchange_sides(values, middle)[1], values[1][list(COUNTERPARTS)])
    ankles = exchange_sides(values, middle, (LEFT_ANKLE, RIGHT_ANKLE))
    assert np.array_equal(ankles[1, LEFT_ANKLE], values[1, RIGHT_ANKLE])
    assert np.array_equal(ankles[1, RIGHT_KNEE], values[1, RIGHT_KNEE]) and np.array_equal(ankles[::2], values[::2])
    assert np.array_equal(exchange_sides(exchange_sides(values, middle), middle), values)


def test_a_pose_is_made_from_the_five_values_of_each_landmark() -> None:
    landmarks = np.arange(2 * 33 * 5, dtype=np.float64).reshape(2, 33, 5)
    track = PoseTrack.of(np.arange(2.0), landmarks)
    assert np.array_equal(track.presence, landmarks[..., 4])
    assert np.array_equal(track.landmarks, landmarks)


def test_a_frame_without_hips_is_a_frame_without_a_person() -> None:
    xy_px = np.zeros((3, 33, 2))
    xy_px[1] = np.nan
    track = PoseTrack(np.arange(3.0), xy_px, *(np.zeros((3, 33)) for _ in range(3)))
    assert track.frames == 3
    assert track.found.tolist() == [True, False, True]
