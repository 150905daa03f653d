"""The verify stage: whose pose it measures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from conf.enums import Device
from conf.input import ModelsConf, PoseConf
from tasks.maths.body.landmarks import HIPS, LANDMARK_COUNT
from tasks.maths.path import affine
from tasks.maths.tracking.steps import Step, steps_from_rows
from tasks.media.files.tables import matrix_columns, write_table
from tasks.models.people_finder import Sighting
from tasks.requests import VerifyRequest
from tasks.verify import ExpectedSubject, expected_subject, fill_between_looks, plausible_steps, step_rms
from tests.support.artifacts import artifact, clip_artifact, pose_artifact
from tests.support.drawn.paths import even_times, pose_track, straight_walk, without


def somebody(track: int, hip_x_px: float) -> Sighting:
    landmarks = np.zeros((LANDMARK_COUNT, 5))
    landmarks[list(HIPS), 0] = hip_x_px + np.array([-5.0, 5.0])
    return Sighting(track, landmarks, None, np.zeros(4))


def subject(hip_xy: NDArray[np.float64]) -> ExpectedSubject:
    count = len(hip_xy)
    landmarks, picture_xy = np.zeros((count, LANDMARK_COUNT, 5)), np.zeros((count, 4, 2))
    return ExpectedSubject(hip_xy, np.full(count, 100.0), landmarks, picture_xy, np.zeros(count, np.int64))


def test_of_several_people_the_one_at_the_subjects_position_is_measured() -> None:
    there = subject(np.zeros((1, 2)))
    found = there.among(0, [somebody(1, 300.0), somebody(2, -20.0), somebody(3, 30.0)])
    assert found is not None and found[list(HIPS), 0].mean() == -20.0


def test_nobody_is_measured_elsewhere_or_while_the_subject_is_absent() -> None:
    assert subject(np.zeros((1, 2))).among(0, [somebody(1, 60.0)]) is None
    assert subject(np.zeros((1, 2))).among(0, []) is None
    assert subject(np.full((1, 2), np.nan)).among(0, [somebody(1, 0.0)]) is None


def test_the_residual_step_is_the_rms_of_the_measured_steps() -> None:
    assert step_rms(np.array([[3.0, 4.0], [np.nan, np.nan], [0.0, 0.0]])) == np.sqrt(12.5)
    assert np.isnan(step_rms(np.full((2, 2), np.nan)))


def test_features_on_the_background_are_no_step_of_the_torso() -> None:
    sure = Step(dx_px=1.0, dy_px=0.0, misfit_px=0.2, inlier_share=0.8, features=40)
    background = replace(sure, dx_px=-30.0)
    jump = replace(sure, dx_px=9.0)  # the poses do not show it, but they could not
    unknown = replace(sure, misfit_px=40.0, features=10)
    few = replace(sure, inlier_share=0.59, features=7)  # four agree, while the sun blinds the camera
    steps = steps_from_rows([Step(), sure, background, jump, unknown, few, background])
    hips, lost = np.zeros((7, 2)), np.full((7, 2), np.nan)
    torso_px = np.full(7, 100.0)
    by_own, by_plan, by_none = (
        np.isfinite(plausible_steps(steps, own, planned, torso_px)[:, 0]).tolist()
        for own, planned in ((hips, 50 * np.arange(14.0).reshape(7, 2)), (lost, hips), (lost, lost))
    )
    assert by_own == by_plan == [False, True, False, True, False, False, False]
    assert by_none == [False, True, True, True, False, False, True]


def test_frames_that_the_pose_stage_skipped_are_measured_at_the_expected_position() -> None:
    looked = np.array([True, False, True, False, True, False])
    landmarks = np.full((6, LANDMARK_COUNT, 5), np.nan)
    landmarks[0], landmarks[4] = 10.0, 18.0  # nobody was found in the third frame
    filled = fill_between_looks(landmarks, np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5]), looked)
    assert np.allclose(filled[:, 0, 0], [10.0, 12.0, np.nan, 16.0, 18.0, 18.0], equal_nan=True)


def test_the_expected_subject_is_interpolated_between_looks(tmp_path: Path) -> None:
    time_s, looked = even_times(7), np.arange(7) % 3 == 0
    hips = straight_walk(time_s)
    pose = pose_artifact(tmp_path / "pose", without(pose_track(time_s, hips, hips), np.flatnonzero(~looked)))
    write_table(tmp_path / "pose" / "motion.parquet", {"looked": looked, "shot": np.zeros(7, np.int64)})
    (tmp_path / "trajectory").mkdir()
    held = matrix_columns("to_output", affine.translation(-hips))
    held |= {"state": np.array(["bridged"] * 7), "shot": np.zeros(7, np.int64)}
    write_table(tmp_path / "trajectory" / "trajectory.parquet", held)
    trajectory = artifact("trajectory", tmp_path / "trajectory")
    clip = clip_artifact(tmp_path / "clip", pose_track(time_s, hips, hips), (640, 480))
    request = VerifyRequest(clip, pose, trajectory, pose, PoseConf(), ModelsConf(), {}, Device.cpu, 0.5)
    subject = expected_subject(request)
    assert np.allclose(subject.hip_xy, 0, atol=1e-3)
    assert np.allclose(subject.picture_xy[:, 2], [639.5, 479.5] - hips)
