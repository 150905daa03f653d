"""Translate the planes of a picture by any distance, in one resampling, in their own pixel format.

A shift has a whole part, which is a copy, and a fraction of a pixel, which is a short separable filter. So whole shifts
are exact, and a shift of zero returns the same samples. Chroma moves by the luma shift divided by the subsampling, for
any chroma location.
"""

import threading
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.layout import PixelLayout, Plane, Planes, new_planes

MIN_FRACTION_PX: Final = 1 / 512  # a smaller fraction changes no 8-bit edge by one level and counts as 0
FRACTION_STEPS: Final = 1 << 20  # of a pixel: positions are rounded to them
TOGETHER: Final = 32  # samples of a row: at least as many as OpenCV computes at a time
BAND_SAMPLES: Final = 1 << 18  # filtered in floating point at a time, so that they stay in the processor's cache


def linear_taps(fraction: float) -> NDArray[np.float32]:
    """Two taps. They soften, most at half a pixel."""
    return np.array([1 - fraction, fraction], np.float32)


def cubic_taps(fraction: float) -> NDArray[np.float32]:
    """Four taps of the Catmull-Rom spline (Keys 1981, a = -1/2). They are exact for parabolas."""
    t = fraction
    taps = [t * (t * (2 - t) - 1), t * t * (3 * t - 5) + 2, t * (t * (4 - 3 * t) + 1), t * t * (t - 1)]
    return np.array(taps, np.float32) * np.float32(0.5)


def lanczos_taps(fraction: float) -> NDArray[np.float32]:
    """Eight taps of the Lanczos window of radius 4, normalised so that a flat picture stays flat."""
    distance = np.arange(-3, 5) - fraction
    taps = np.sinc(distance) * np.sinc(distance / 4)
    return np.asarray(taps / taps.sum(), np.float32)


_of_thread = threading.local()  # holds what ``_scratch`` gives
FILTER_TAPS: Final = {"linear": linear_taps, "cubic": cubic_taps, "lanczos": lanczos_taps}
CV2_BORDERS: Final = {
    "reflect": cv2.BORDER_REFLECT_101,
    "replicate": cv2.BORDER_REPLICATE,
    "nothing": cv2.BORDER_CONSTANT,
}
"""How a plane continues beyond its edge: mirrored about the edge samples, repeatedly; with its edge samples; with 0."""


def shift_planes(
    planes: Sequence[Plane],
    layout: PixelLayout,
    shift_xy: tuple[float, float],
    size_px: tuple[int, int],
    *,
    interpolation: str = "cubic",
    border: str = "reflect",
) -> Planes:
    """Planes of a picture of ``size_px`` whose pixel (x, y) shows the source at (x - dx, y - dy).

    ``shift_xy`` is (dx, dy) in luma pixels; ``interpolation`` is a key of ``FILTER_TAPS``. Uncovered parts are filled
    by ``border``, a key of ``CV2_BORDERS``. The result may be a view of ``planes``.
    """
    moved = []
    for index, (plane, target) in enumerate(zip(planes, new_planes(layout, size_px), strict=True)):
        spacing_xy = sample_spacing(layout, index)
        shift = (shift_xy[0] / spacing_xy[0], shift_xy[1] / spacing_xy[1])
        size = layout.plane_wh(index, size_px)
        moved.append(shift_plane(plane, shift, size, interpolation, border, (1 << layout.depth) - 1, target))
    return tuple(moved)


def shift_plane(
    plane: Plane,
    shift_xy: tuple[float, float],
    size_px: tuple[int, int],
    interpolation: str,
    border: str,
    peak: int,
    target: Plane | None = None,
) -> Plane:
    """One plane of ``shift_planes``, with shift and size in its own samples. Results are clipped to 0..``peak``.

    The result may be ``target``, an array of that size.
    """
    (x, fraction_x), (y, fraction_y) = (split_position(-shift) for shift in shift_xy)
    taps_x, taps_y = (
        FILTER_TAPS[interpolation](fraction) if fraction else np.ones(1, np.float32)
        for fraction in (fraction_x, fraction_y)
    )
    if len(taps_x) == len(taps_y) == 1:
        return crop_window(plane, (x, y), size_px, border)
    result = np.empty(size_px[::-1], plane.dtype) if target is None else target
    return _filtered(plane, (x, y), result, (taps_x, taps_y), border, peak)


def split_position(position: float) -> tuple[int, float]:
    """Whole pixel at or left of ``position``, and the fraction that remains, in [0, 1).

    The fraction is the same for positions that are whole pixels apart: so a part of a picture moves as the whole does.
    """
    position = round(position * FRACTION_STEPS) / FRACTION_STEPS
    whole = int(np.floor(position + MIN_FRACTION_PX))
    fraction = position - whole
    return whole, fraction if fraction > MIN_FRACTION_PX else 0.0


def crop_window(plane: Plane, corner_xy: tuple[int, int], size_px: tuple[int, int], border: str) -> Plane:
    """The part of a plane that starts at ``corner_xy``, extended by ``border`` where it is outside the plane.

    A part that lies inside is a view.
    """
    mirrored = border == "reflect"
    (top, bottom), rows = axis_padding(corner_xy[1], size_px[1], plane.shape[0], mirrored=mirrored)
    (left, right), columns = axis_padding(corner_xy[0], size_px[0], plane.shape[1], mirrored=mirrored)
    if not (top or bottom or left or right):
        return plane[rows, columns]
    above, high = _needed((top, bottom), rows, plane.shape[0])
    before, wide = _needed((left, right), columns, plane.shape[1])
    extended = cv2.copyMakeBorder(plane[above:high, before:wide], top, bottom, left, right, CV2_BORDERS[border])
    return np.asarray(extended)[rows.start - above : rows.stop - above, columns.start - before : columns.stop - before]


def _needed(padding: tuple[int, int], wanted: slice, available: int) -> tuple[int, int]:
    """First and end of the samples of an axis that ``wanted``, a slice of the padded axis, shows or mirrors."""
    before, after = padding
    if max(padding) >= available:  # mirrored several times
        return 0, available
    first, end = wanted.start - before, wanted.stop - before
    return (
        0 if before else min(first, available - 1 - after) if after else first,
        available if after else max(end, before + 1) if before else end,
    )


def axis_padding(start: int, length: int, available: int, *, mirrored: bool) -> tuple[tuple[int, int], slice]:
    """Samples to add before and after an axis, and the slice of the padded axis that is wanted.

    A mirrored axis repeats every 2 * (available - 1) samples, and far outside every other border is constant. So the
    padding stays small, however far away ``start`` is.
    """
    if mirrored:
        start %= max(2 * (available - 1), 1)
        start -= 2 * (available - 1) if start >= available else 0
    else:
        start = min(max(start, -length), available)
    before = max(-start, 0)
    after = max(start + length - available, 0)
    return (before, after), slice(start + before, start + before + length)


def _filtered(
    plane: Plane,
    corner_xy: tuple[int, int],
    result: Plane,
    taps_xy: tuple[NDArray[np.float32], NDArray[np.float32]],
    border: str,
    peak: int,
) -> Plane:
    """The part of a plane that starts at ``corner_xy``, correlated with the taps of both axes and rounded once.

    It has the size of ``result``, and mostly is this array.

    The fastest OpenCV filter depends on the depth, the number of taps and the number of axes: for both axes of
    1920x1088 in 8 bits, cubic, bands took 1.2 ms, ``sepFilter2D`` 2.1 and ``filter2D`` 1.6 (OpenCV 4.14, AVX2).
    """
    (taps_x, taps_y), (rows, columns), is_byte = taps_xy, result.shape, plane.dtype == np.uint8
    before, above = (len(taps_x) - 1) // 2, (len(taps_y) - 1) // 2
    left, top = corner_xy[0] - before, corner_xy[1] - above
    # Wider, so that a part of a picture becomes as in the whole: OpenCV rounds the last few samples of a row in another
    # way than those that it computes together.
    wide = -(-(columns + len(taps_x) - 1) // TOGETHER) * TOGETHER
    if is_byte and (len(taps_x) <= 2 or len(taps_y) == 1):
        cut = crop_window(plane, (left, top), (wide, rows + len(taps_y) - 1), border)
        filtered = cv2.filter2D(cut, -1, np.outer(taps_y, taps_x), anchor=(before, above))
        return np.asarray(filtered)[above : above + rows, before : before + columns]
    band_rows = min(max(BAND_SAMPLES // wide, 1), rows)
    ready, across = _scratch((band_rows + len(taps_y) - 1, wide))
    for first in range(0, rows, band_rows):
        high = min(band_rows, rows - first)
        part, filtered = (array[: high + len(taps_y) - 1] for array in (ready, across))
        np.copyto(part, crop_window(plane, (left, top + first), part.shape[::-1], border))
        if len(taps_x) > 1:
            cv2.filter2D(part, -1, taps_x[None], dst=filtered, anchor=(before, 0))
            part, filtered = filtered, part
        if len(taps_y) > 1:
            cv2.filter2D(part, -1, taps_y[:, None], dst=filtered, anchor=(0, above))
            part = filtered
        _round(part[above : above + high, before : before + columns], result[first : first + high], peak)
    return result


def _scratch(shape: tuple[int, int]) -> list[NDArray[np.float32]]:
    """Two arrays of ``shape`` for the calling thread's next move. They are the same ones as long as they are used.

    So they stay in the processor's cache; new ones would be new pages, 250 for each plane of 1920x1088.
    """
    size = shape[0] * shape[1]
    held: list[NDArray[np.float32]] = getattr(_of_thread, "scratch", [])
    if not held or held[0].size < size:
        held = _of_thread.scratch = [np.empty(size, np.float32) for _ in range(2)]
    return [array[:size].reshape(shape) for array in held]


def _round(values: NDArray[np.float32], target: Plane, peak: int) -> None:
    """Write the nearest whole numbers from 0 to ``peak`` into ``target``; negative ``values`` become 0."""
    if target.dtype == np.uint8:  # rounds and saturates in half of the time that ``add`` takes
        cv2.threshold(values, 0, 0, cv2.THRESH_TOZERO, dst=values)
        cv2.convertScaleAbs(values, dst=target)
        return
    cv2.add(values, 0.0, dst=target, dtype=cv2.CV_16U)
    cv2.min(target, float(peak), dst=target)


def at_most(plane: Plane, peak: int) -> Plane:
    """The same plane with no value above ``peak``."""
    # Not by OpenCV's min, which gives four values for a plane of one sample; numpy's takes seven times as long.
    return np.asarray(cv2.threshold(plane, peak, 0, cv2.THRESH_TRUNC)[1])
