"""Draw anti-aliased lines, dots and text on the planes of a picture, in any colour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.layout import Alpha, PixelLayout, Planes

_Mask = NDArray[np.uint8]
SUBPIXEL_BITS: Final = 4  # fractional bits of the positions that OpenCV draws at
MAX_SAMPLE_SPACING_PX: Final = 2  # largest distance of chroma samples
MAX_COORDINATE_PX: Final = 20_000.0  # OpenCV's integers may overflow beyond it


class Brush:
    """Draws on the planes of pictures of one size. It reuses one mask of that size.

    ``values`` are the colour as one value a plane. ``pixel_aspect`` is a pixel's width / height: circles are shown
    round, and their radius is in rows.
    """

    def __init__(self, layout: PixelLayout, size_px: tuple[int, int], pixel_aspect: float = 1.0) -> None:
        self._layout, self._aspect = layout, pixel_aspect
        self._mask: _Mask = np.zeros(size_px[::-1], np.uint8)

    def lines(self, planes: Planes, pieces: Sequence[Floats], values: Sequence[int], width_px: int) -> None:
        """Draw polylines, each (n, 2) xy in px. NaN interrupts a line."""
        runs = [run for piece in pieces for run in finite_runs(piece)]

        def draw() -> None:
            cv2.polylines(
                self._mask, [to_fixed_point(run) for run in runs], False, 255, width_px, cv2.LINE_AA, SUBPIXEL_BITS
            )

        self._paint(planes, draw, values, runs, width_px)

    def dots(self, planes: Planes, points: Floats, values: Sequence[int], radius_px: float) -> None:
        """Draw filled circles at ``points`` (n, 2) in px. NaN draws none."""
        self._circles(planes, points, values, radius_px, -1)

    def rings(self, planes: Planes, points: Floats, values: Sequence[int], radius_px: float, width_px: int) -> None:
        """Draw circles at ``points`` (n, 2) in px. NaN draws none."""
        self._circles(planes, points, values, radius_px, width_px)

    def _circles(self, planes: Planes, points: Floats, values: Sequence[int], radius_px: float, width_px: int) -> None:
        runs = finite_runs(points)

        def draw() -> None:
            radius = round(radius_px * (1 << SUBPIXEL_BITS))
            axes = round(radius / self._aspect), radius
            for x, y in (point for run in runs for point in to_fixed_point(run)):
                at, how = (int(x), int(y)), (255, width_px, cv2.LINE_AA, SUBPIXEL_BITS)
                if axes[0] == radius:
                    cv2.circle(self._mask, at, radius, *how)
                else:
                    cv2.ellipse(self._mask, at, axes, 0, 0, 360, *how)

        self._paint(planes, draw, values, runs, radius_px / min(self._aspect, 1.0) + max(width_px, 0))

    def _paint(
        self, planes: Planes, draw: Callable[[], None], values: Sequence[int], runs: list[Floats], reach_px: float
    ) -> None:
        """Call ``draw``, which draws within ``reach_px`` of the points of ``runs``, and blend the values in there."""
        if not runs:
            return
        points = np.concatenate(runs)
        first = np.floor(points.min(axis=0) - reach_px - 1).astype(int)
        last = np.ceil(points.max(axis=0) + reach_px + 2).astype(int)
        left, top = (max(int(start), 0) // MAX_SAMPLE_SPACING_PX * MAX_SAMPLE_SPACING_PX for start in first)
        right, bottom = (-(-max(int(stop), 0) // MAX_SAMPLE_SPACING_PX) * MAX_SAMPLE_SPACING_PX for stop in last)
        mask = self._mask[top:bottom, left:right]
        if mask.size == 0:
            return
        mask.fill(0)
        draw()
        for index, plane in enumerate(planes):
            step_x, step_y = sample_spacing(self._layout, index)
            part = plane[top // step_y : bottom // step_y, left // step_x : right // step_x]
            if part.shape != mask.shape:
                reduced = cv2.resize(mask, part.shape[::-1], interpolation=cv2.INTER_AREA)
                blend_value(part, np.asarray(reduced, np.uint8), values[index])
            else:
                blend_value(part, mask, values[index])


def blend_value(plane: NDArray[Any], alpha: _Mask, value: int) -> None:
    """Blend ``value`` into ``plane`` at opacity ``alpha`` / 255, of the same shape."""
    at = np.unravel_index(np.flatnonzero(alpha), alpha.shape)
    share: Alpha = alpha[at].astype(np.float32) / np.float32(255)
    plane[at] = np.rint(plane[at] + share * (value - plane[at].astype(np.float32))).astype(plane.dtype)


def finite_runs(points: Floats) -> list[Floats]:
    """The runs of ``points`` (n, 2) that are finite and within ``MAX_COORDINATE_PX``."""
    fine = np.isfinite(points).all(axis=1) & (np.abs(np.nan_to_num(points)) < MAX_COORDINATE_PX).all(axis=1)
    edges = np.flatnonzero(np.diff(fine)) + 1
    return [run for run, first in zip(np.split(points, edges), np.split(fine, edges), strict=True) if first.any()]


def to_fixed_point(points: Floats) -> NDArray[np.int32]:
    """Points as the fixed-point integers that OpenCV's drawing functions take."""
    return np.asarray(np.rint(points * (1 << SUBPIXEL_BITS)), np.int32)


FONT: Final = cv2.FONT_HERSHEY_DUPLEX
FONT_CAPITAL_PX: Final = 22  # height of that font's capitals at scale 1
LEAST_LABEL_PX: Final = 8.0  # height of a capital: smaller ones cannot be read
LABEL_SUPERSAMPLING: Final = 4  # text is drawn this many times larger, then reduced
SHADOW_STRENGTH: Final = 0.7  # share of the brightness that the darkest shadow removes
LABEL_MARGIN_CAPITALS: Final = 1.2  # between text and the picture's edge, in heights of a capital


@dataclass(frozen=True)
class Label:
    """A drawn text: (h, w), 0..1, how far each pixel is ink or shadow, with a margin on all sides."""

    ink: Alpha
    shade: Alpha


def make_label(text: str, capital_px: float, pixel_aspect: float = 1.0) -> Label:
    """``text`` with capitals about ``capital_px`` high, for pixels of width / height ``pixel_aspect``."""
    scale = capital_px * LABEL_SUPERSAMPLING / FONT_CAPITAL_PX
    thickness = max(round(2 * scale), 1)
    (width, height), below = cv2.getTextSize(text, FONT, scale, thickness)
    margin = round(LABEL_MARGIN_CAPITALS * capital_px) * LABEL_SUPERSAMPLING
    rows, columns = (
        -(-length // LABEL_SUPERSAMPLING) * LABEL_SUPERSAMPLING
        for length in (height + below + 2 * margin, width + 2 * margin)
    )
    drawn = np.zeros((rows, columns), np.uint8)
    cv2.putText(drawn, text, (margin, margin + height), FONT, scale, 255, thickness, cv2.LINE_AA)
    size_px = max(round(columns // LABEL_SUPERSAMPLING / pixel_aspect), 1), rows // LABEL_SUPERSAMPLING
    ink = cv2.resize(drawn, size_px, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    spread = cv2.GaussianBlur(ink, (0, 0), max(capital_px * 0.35, 1.0))
    return Label(ink, np.asarray(SHADOW_STRENGTH * spread / spread.max()))


def draw_label(
    planes: Sequence[NDArray[Any]],
    word: Label,
    corner_xy: tuple[int, int],
    layout: PixelLayout,
    white: Sequence[int],
    black: Sequence[int],
) -> None:
    """Write ``word`` in white with a soft shadow into ``planes``, its upper left corner at ``corner_xy``.

    What does not fit is cut off. ``white`` and ``black`` are one value a plane. In YUV only luma changes, so that the
    colours behind the text stay.
    """
    x, y = corner_xy
    for index in range(3 if layout.is_rgb else 1):
        part = planes[index][y:, x:][: word.ink.shape[0], : word.ink.shape[1]]
        ink, shade = (alpha[: part.shape[0], : part.shape[1]] for alpha in (word.ink, word.shade))
        dark = part + shade * (black[index] - part.astype(np.float32))
        part[:] = np.rint(dark + ink * (white[index] - dark)).astype(part.dtype)
