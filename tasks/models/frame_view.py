"""One frame, of which the whole or a square is shown to a pose estimator, with people who are known painted over."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.landmarks import landmark_box
from tasks.maths.tracking.squares import Square, scale_landmarks
from tasks.models.pose import PoseEstimate, PoseEstimator

PERSON_WINDOW_PX: Final = 384  # side of a window's image; the landmark network crops the body from it at 256 px
PAINT_MARGIN_TORSOS: Final = 0.25  # around the landmarks, painted over
PAINT_LEVEL: Final = 114  # a mid grey, as used to pad the input of detectors

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


class FrameView(Protocol):
    """One frame, of which the whole or parts are looked at."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the source frame."""
        ...

    def whole(self) -> Image:
        """The whole frame, (h, w, 3); a large frame is downscaled."""
        ...

    def part(self, square: Square, image_px: int) -> Image:
        """The square, resized to (image_px, image_px, 3)."""
        ...


def look_at_frame(
    estimator: PoseEstimator, view: FrameView, time_s: float, known: Sequence[Floats] = ()
) -> PoseEstimate | None:
    """Whom ``estimator`` sees in the whole frame, in source pixels; ``known`` people are painted over."""
    image = view.whole()
    factor_xy = np.array(view.size_px) / image.shape[1::-1]
    covered = paint_over_people(image, [scale_landmarks(one, 1 / factor_xy) for one in known])
    found = estimator(covered, time_s)
    return None if found is None else PoseEstimate(scale_landmarks(found.landmarks, factor_xy), found.mask)


def look_at_square(
    estimator: PoseEstimator,
    view: FrameView,
    square: Square,
    time_s: float,
    known: Sequence[Floats] = (),
    image_px: int = PERSON_WINDOW_PX,
) -> PoseEstimate | None:
    """Whom ``estimator`` sees in a square of the frame, in source pixels; ``known`` people are painted over."""
    image = paint_over_people(view.part(square, image_px), [square.to_image(one, image_px) for one in known])
    found = estimator(image, time_s)
    return None if found is None else PoseEstimate(square.to_source(found.landmarks, image_px), found.mask)


def paint_over_people(rgb: Image, people: Sequence[Floats]) -> Image:
    """``rgb`` itself where nobody is known, else a copy with the boxes of ``people`` in one grey."""
    if not people:
        return rgb
    covered = rgb.copy()
    height, width = rgb.shape[:2]
    for landmarks in people:
        x0, y0, x1, y1 = np.clip(
            landmark_box(landmarks, PAINT_MARGIN_TORSOS), 0, (width, height, width, height)
        ).astype(int)
        covered[y0:y1, x0:x1] = PAINT_LEVEL
    return covered
