"""The real models on a few frames."""

import threading
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mediapipe.tasks.python.core import mediapipe_c_bindings
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from tasks.errors import ModelError
from tasks.maths.body.landmarks import FACE, FEET, HIPS
from tasks.media.input.video_reader import DecodeStats, decode_frames, open_video
from tasks.models.pose import MediaPipePose, PoseEstimate, open_pose_estimator
from tasks.models.selfie import SELFIE_INPUT_SIZE_PX, open_selfie_segmenter
from tasks.models.sources import model_files
from tasks.models.visibility import OwnVisibility

Image = NDArray[np.uint8]
FULL = model_files("full", None)


@pytest.fixture(scope="module")
def walker(videos: Path) -> list[Image]:
    """Twenty frames of a man walking backwards."""
    with open_video(videos / "moonwalk.mp4") as (container, stream):
        stored = islice(decode_frames(container, stream, DecodeStats()), 20)
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in stored]


def found_by(walker: list[Image], **options: bool) -> list[PoseEstimate | None]:
    with open_pose_estimator(FULL, device="cpu", **options) as (estimator, _):
        return [estimator(rgb, number / 24) for number, rgb in enumerate(walker)]


def test_a_walker_is_found_with_head_above_hips_above_feet(walker: list[Image]) -> None:
    found = found_by(walker)
    assert len(found) == 20
    for person in found:
        assert person is not None and person.mask is None
        y_px, visibility = person.landmarks[:, 1], person.landmarks[:, 3]
        assert visibility[list(HIPS)].min() > 0.95
        assert y_px[list(FACE)].max() < y_px[list(HIPS)].min() < y_px[list(HIPS)].max() < y_px[list(FEET)].min()


def test_equal_frames_give_equal_landmarks_and_no_terminal_output(
    walker: list[Image], capfd: pytest.CaptureFixture[str]
) -> None:
    once, again = (found_by(walker[:4]) for _ in range(2))
    for first, second in zip(once, again, strict=True):
        assert first is not None and second is not None
        assert np.array_equal(first.landmarks, second.landmarks)
    assert capfd.readouterr().err == ""


def test_the_pose_mask_covers_the_hips(walker: list[Image]) -> None:
    person = found_by(walker[:2], with_masks=True)[-1]
    assert person is not None and person.mask is not None
    assert person.mask.shape == walker[0].shape[:2]
    for x_px, y_px in person.landmarks[list(HIPS), :2]:
        assert person.mask[round(y_px), round(x_px)] > 0.9
    assert 0.05 < (person.mask > 0.5).mean() < 0.3


def test_a_model_on_the_cpu_starts_no_thread_of_python(walker: list[Image]) -> None:
    before = threading.active_count()
    with open_pose_estimator(FULL, device="cpu") as (estimator, _):
        assert estimator(walker[0], 0.0) is not None
        assert threading.active_count() == before
    assert mediapipe_c_bindings.load_shared_library.__module__ == mediapipe_c_bindings.__name__, "for other programs"


def test_an_empty_picture_gives_none() -> None:
    grey = np.full((240, 320, 3), 128, np.uint8)
    assert found_by([grey, grey]) == [None, None]


def test_a_used_estimator_sees_the_next_person_as_a_new_one_does(walker: list[Image]) -> None:
    """Half of the first is hidden; MediaPipe's smoothing would go on from there."""
    hips_x = [one.landmarks[list(HIPS), 0].mean() for one in found_by(walker[:8]) if one is not None]
    half = [rgb.copy() for rgb in walker[:8]]
    for rgb in half:
        rgb[:, round(float(np.mean(hips_x))) :] = 128
    nobody = np.full((64, 64, 3), 128, np.uint8)
    with open_pose_estimator(FULL, device="cpu") as (estimator, _):
        used = OwnVisibility(estimator)
        first = [used(rgb, number / 24) for number, rgb in enumerate(half)][-1]
        used(nobody, 8 / 24)
        used.begin_person()
        again = [used(rgb, 1.0 + number / 24) for number, rgb in enumerate(walker[8:])]
    new = found_by(walker[8:])
    assert first is not None and new[0] is not None
    assert np.abs(first.landmarks[:, 3] - new[0].landmarks[:, 3]).max() > 0.1, "the first one is less visible"
    for one, other in zip(new, again, strict=True):
        assert one is not None and other is not None
        assert_allclose(other.landmarks[:, 3], one.landmarks[:, 3], atol=1e-5)


@pytest.mark.parametrize("name", SELFIE_INPUT_SIZE_PX)
def test_a_mask_has_the_size_of_its_picture(name: str, walker: list[Image]) -> None:
    width, height = SELFIE_INPUT_SIZE_PX[name]
    part = walker[0][200 : 200 + height, 250 : 250 + width]
    with open_selfie_segmenter(model_files(name, None), device="cpu") as (segmenter, use):
        mask = segmenter(part)
    assert mask is not None and mask.shape == (height, width) and mask.dtype == np.float32
    assert mask.min() >= 0 and mask.max() <= 1
    assert use.device == "cpu"


def test_a_file_that_is_not_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "selfie.tflite").write_bytes(b"no model at all")
    with (
        pytest.raises(ModelError, match="is not a TFLite model"),
        open_selfie_segmenter((tmp_path / "selfie.tflite",), device="cpu"),
    ):
        pass


def test_a_missing_gpu_is_reported() -> None:
    with open_pose_estimator(FULL, device="auto") as (_, use):
        pass
    if use.device == "gpu":
        pytest.skip("this machine has a GPU that MediaPipe can use")
    assert "GPU delegate does not start" in use.note
    with pytest.raises(ModelError, match="device=gpu"), open_pose_estimator(FULL, device="gpu"):
        pass


class Middle:
    """Replaces MediaPipe's landmarker: finds one landmark in the middle and records the times."""

    def __init__(self) -> None:
        self.times_ms: list[int] = []

    def detect_for_video(self, _: object, time_ms: int) -> SimpleNamespace:
        self.times_ms.append(time_ms)
        point = SimpleNamespace(x=0.5, y=0.25, z=0.1, visibility=0.9, presence=0.8)
        return SimpleNamespace(pose_landmarks=[[point]], segmentation_masks=None)


def test_times_are_whole_milliseconds_and_always_increase() -> None:
    landmarker = Middle()
    estimator = MediaPipePose(landmarker)
    for time_s in (-1.5, -1.4, -1.3999, -1.3998, -1.39, 0.5):
        estimator(np.zeros((10, 20, 3), np.uint8), time_s)
    assert np.all(np.diff([0, *landmarker.times_ms]) >= 1), "0 is used by the warm-up"
    assert_allclose(landmarker.times_ms, [1, 100, 101, 102, 110, 2000])


def test_the_origin_is_the_centre_of_the_first_pixel() -> None:
    person = MediaPipePose(Middle())(np.zeros((40, 80, 3), np.uint8), 0.0)
    assert person is not None
    assert_allclose(person.landmarks, [[39.5, 9.5, 8.0, 0.9, 0.8]])
