"""The camera's motion of a whole clip, measured frame by frame while somebody else looks for people in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.scene.camera_path import chain
from tasks.media.files.camera_file import write_camera
from tasks.media.files.masks_file import Mask
from tasks.media.scene.camera_motion import CameraMotion, CameraStep
from tasks.media.scene.people_mask import people_mask

CARRY_S: Final = 0.4  # that people are taken to be where they were last seen


class CameraRecorder:
    """Is told of every frame in order, and writes ``camera.parquet`` in the end; keeps 100 bytes a frame."""

    def __init__(self, size_px: tuple[int, int]) -> None:
        self._size_px, self._motion = size_px, CameraMotion(size_px)
        self._steps: list[CameraStep] = []
        self._times_s: list[float] = []
        self._seen: Sequence[Mask] = ()
        self._seen_s = -np.inf

    def add(self, luma: NDArray[np.uint8], time_s: float, bodies: Sequence[Mask]) -> None:
        """The next frame: its ``luma`` (h, w), whole or reduced, and the masks of the people that were seen in it."""
        if bodies or time_s > self._seen_s + CARRY_S:
            self._seen, self._seen_s = bodies, time_s
        people = people_mask(self._seen, self._size_px, self._motion.small_px)
        self._steps.append(self._motion.step(luma, people))
        self._times_s.append(time_s)

    def write(self, path: Path) -> None:
        """Write what was measured; ``OutputError`` when the file cannot be written."""
        steps = np.array([step.matrix for step in self._steps]).reshape(-1, 2, 3)
        camera = chain(steps, np.array([step.confidence for step in self._steps]))
        write_camera(path, camera, [step.corners for step in self._steps], self._times_s, self._size_px)
