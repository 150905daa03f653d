"""The pose model: 33 landmarks of one person in each frame, and on request the person's mask."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.models.model_file import pose_bundle
from tasks.models.runtime import DeviceUse, closed_quietly, create_on_device, mediapipe_image

_WARM_UP_SHAPE: Final = (64, 64, 3)  # of the black picture that is shown first; any size does
_has_logged = threading.Event()  # the landmark model has written its log lines, in this process


@dataclass(frozen=True)
class PoseEstimate:
    """One person in one frame."""

    landmarks: Floats  # (33, 5): x_px, y_px, z, visibility, presence; px of the picture, z in the scale of x
    mask: NDArray[np.uint8] | None  # (h, w) probability * 255, of the whole picture; None unless requested


class PoseEstimator(Protocol):
    """Finds the person in the next frame of a clip. Frames come in order, with their own times."""

    def __call__(self, rgb: NDArray[np.uint8], time_s: float) -> PoseEstimate | None:
        """The person in ``rgb`` (h, w, 3), or None."""
        ...


class MediaPipePose:
    """MediaPipe's PoseLandmarker in video mode."""

    def __init__(self, landmarker: Any) -> None:
        self._landmarker = landmarker
        self._first_s: float | None = None
        self._last_ms = 0

    def __call__(self, rgb: NDArray[np.uint8], time_s: float) -> PoseEstimate | None:
        result = self._landmarker.detect_for_video(mediapipe_image(rgb), self._timestamp_ms(time_s))
        if not result.pose_landmarks:
            return None
        height, width = rgb.shape[:2]
        points = [(p.x, p.y, p.z, p.visibility, p.presence) for p in result.pose_landmarks[0]]
        landmarks = np.array(points, np.float64)
        # MediaPipe's origin is the picture's corner. Ours is the centre of the first pixel.
        landmarks[:, 0] = landmarks[:, 0] * width - 0.5
        landmarks[:, 1] = landmarks[:, 1] * height - 0.5
        landmarks[:, 2] *= width
        masks = result.segmentation_masks
        return PoseEstimate(landmarks, cv2.convertScaleAbs(masks[0].numpy_view(), alpha=255) if masks else None)

    def _timestamp_ms(self, time_s: float) -> int:
        """Whole milliseconds since the first frame.

        MediaPipe needs each to be larger than the last, at any frame rate.
        """
        if self._first_s is None:
            self._first_s = time_s
        self._last_ms = max(self._last_ms + 1, round((time_s - self._first_s) * 1000))
        return self._last_ms


@contextmanager
def open_pose_estimator(
    files: tuple[Path, ...],
    *,
    device: str,
    min_detection: float = 0.5,
    min_tracking: float = 0.5,
    with_masks: bool = False,
) -> Iterator[tuple[MediaPipePose, DeviceUse]]:
    """The pose model of ``files`` (see ``sources.model_files``), ready for the first frame of one clip.

    Below the probability ``min_detection`` the detector finds nobody; below ``min_tracking`` the tracker gives up.
    ``ModelError`` if a file is not a pose model or if ``device`` (cpu, gpu, auto) cannot run it.
    """
    bundle = pose_bundle(files)

    def create(delegate: Any, threshold: float = min_detection) -> Any:
        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=bundle, delegate=delegate),
            running_mode=vision.RunningMode.VIDEO,
            min_pose_detection_confidence=threshold,
            # The landmark model's own score decides whether the next frame is tracked. MediaPipe's "tracking
            # confidence" is the overlap of boxes, which matters only for several people.
            min_pose_presence_confidence=min_tracking,
            output_segmentation_masks=with_masks,
        )
        landmarker = vision.PoseLandmarker.create_from_options(options)
        landmarker.detect_for_video(mediapipe_image(np.zeros(_WARM_UP_SHAPE, np.uint8)), 0)
        return landmarker

    def create_quietly(delegate: Any) -> Any:
        # At threshold 0 the landmark model runs even on a black picture. It writes its log lines once in a process: so
        # it writes them now, while they are captured, and not at the first person.
        if _has_logged.is_set():
            return create(delegate)
        with ThreadPoolExecutor(1) as thread:
            logs = thread.submit(lambda: create(delegate, threshold=0.0).close())
            if delegate != BaseOptions.Delegate.CPU:
                logs.result()  # two at once were tried on the CPU only
            landmarker = create(delegate)
            logs.result()
        _has_logged.set()
        return landmarker

    landmarker, use = create_on_device(" with ".join(map(str, files)), device, create_quietly)
    with closed_quietly(landmarker):
        yield MediaPipePose(landmarker), use
