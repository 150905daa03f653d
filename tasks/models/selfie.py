"""The selfie segmentation model: the probability that each pixel of a small picture belongs to a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from tasks.models.model_file import read_selfie_model
from tasks.models.runtime import MEDIAPIPE_ERRORS, DeviceUse, closed_quietly, create_on_device, mediapipe_image

SELFIE_INPUT_SIZE_PX: Final = {"general": (256, 256), "landscape": (256, 144)}
"""Width and height of each model's input. A picture of this size gives a mask of the same size."""


class Segmenter(Protocol):
    """Separates the person from the background."""

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Probability (h, w), 0..1, of a person in ``rgb`` (h, w, 3). None if the model fails on it."""
        ...


class MediaPipeSegmenter:
    """MediaPipe's ImageSegmenter with a selfie model. Each picture is segmented by itself."""

    def __init__(self, segmenter: Any) -> None:
        self._segmenter = segmenter

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        try:
            masks = self._segmenter.segment(mediapipe_image(rgb)).confidence_masks
        except MEDIAPIPE_ERRORS:
            return None
        mask: NDArray[np.float32] = np.squeeze(masks[0].numpy_view()).copy()
        return mask if np.isfinite(mask).all() else None


@contextmanager
def open_selfie_segmenter(files: tuple[Path, ...], *, device: str) -> Iterator[tuple[MediaPipeSegmenter, DeviceUse]]:
    """The segmentation model of ``files`` (one; see ``sources.model_files``), ready for use.

    ``ModelError`` if the file is not a selfie model or if ``device`` (cpu, gpu, auto) cannot run it.
    """
    (path,) = files
    model = read_selfie_model(path)

    def create(delegate: Any) -> Any:
        options = vision.ImageSegmenterOptions(
            base_options=BaseOptions(model_asset_buffer=model, delegate=delegate),
            running_mode=vision.RunningMode.IMAGE,
            output_confidence_masks=True,
        )
        segmenter = vision.ImageSegmenter.create_from_options(options)
        width, height = SELFIE_INPUT_SIZE_PX["general"]
        segmenter.segment(mediapipe_image(np.zeros((height, width, 3), np.uint8)))
        return segmenter

    segmenter, use = create_on_device(str(path), device, create)
    with closed_quietly(segmenter):
        yield MediaPipeSegmenter(segmenter), use
