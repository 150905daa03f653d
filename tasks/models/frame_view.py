"""Show a pose estimator a whole frame or a square of it, with parts painted over."""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import BoxEdges, landmark_box
from tasks.maths.square_pixels import scale_landmarks
from tasks.maths.tracking.squares import Square, from_image, into_image
from tasks.models.pose import PoseEstimate, PoseEstimator

PERSON_WINDOW_PX: Final = 384  # side of a window's image; the landmark network crops the body from it at 256 px
PAINT_MARGIN_TORSOS: Final = 0.25  # around the landmarks, painted over
PAINT_LEVEL: Final = 114  # a mid grey, as used to pad the input of detectors

Image = NDArray[np.uint8]


class FrameView(Protocol):
    """One frame, as pictures for a model: the whole, or squares of it. Its pixels are square."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the frame in square pixels (see ``tasks.maths.square_pixels``)."""
        ...

    @property
    def small_luma(self) -> Image:
        """Luma (h, w) of the whole frame, reduced in size."""
        ...

    def whole(self) -> Image:
        """The whole frame as RGB (h, w, 3); a large frame is reduced."""
        ...

    def part(self, square: Square, image_px: int) -> Image:
        """The square as RGB, resized to (image_px, image_px, 3)."""
        ...

    def edges_px(self, square: Square) -> Floats:
        """(4,) x0, y0, x1, y1: outer edges of what ``part`` shows, the square up to whole pixels of the source."""
        ...


def look_at_frame(
    estimator: PoseEstimator, view: FrameView, time_s: float, covered_px: Sequence[BoxEdges] = ()
) -> PoseEstimate | None:
    """The person whom ``estimator`` sees in the frame, in its pixels, with the boxes ``covered_px`` painted over."""
    image = view.whole()
    factor_xy = np.array(view.size_px) / image.shape[1::-1]
    factor = np.concatenate([factor_xy, factor_xy])
    boxes = [(np.array(box) + 0.5) / factor - 0.5 for box in covered_px]
    found = estimator(paint_over(image, boxes), time_s)
    return None if found is None else PoseEstimate(scale_landmarks(found.landmarks, factor_xy), found.mask)


def look_at_square(
    estimator: PoseEstimator,
    view: FrameView,
    square: Square,
    time_s: float,
    covered_px: Sequence[BoxEdges] = (),
    image_px: int = PERSON_WINDOW_PX,
) -> PoseEstimate | None:
    """The person whom ``estimator`` sees in a square of the frame, as in ``look_at_frame``.

    The square is resized to ``image_px`` x ``image_px``.
    """
    edges_px = view.edges_px(square)
    boxes = [into_image(np.reshape(box, (2, 2)), edges_px, image_px).ravel() for box in covered_px]
    found = estimator(paint_over(view.part(square, image_px), boxes), time_s)
    return None if found is None else PoseEstimate(from_image(found.landmarks, edges_px, image_px), found.mask)


def boxes_of(people: Iterable[Floats]) -> list[BoxEdges]:
    """The boxes that hide these people when they are painted over, from landmarks (33, 2 or more) in px."""
    return [landmark_box(landmarks, PAINT_MARGIN_TORSOS) for landmarks in people]


def paint_over(rgb: Image, boxes_px: Sequence[Floats | BoxEdges]) -> Image:
    """``rgb`` itself without boxes, else a copy with the boxes ``x0, y0, x1, y1`` in one grey."""
    if not boxes_px:
        return rgb
    covered = rgb.copy()
    height, width = rgb.shape[:2]
    for box in boxes_px:
        x0, y0, x1, y1 = np.clip(box, 0, (width, height, width, height)).astype(int)
        covered[y0:y1, x0:x1] = PAINT_LEVEL
    return covered
