"""What goes on beyond the edge of a picture, and what lies behind a person: cheap strong blurs, or a colour."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.planes.chroma import plane_to_luma, sample_at_chroma, sample_spacing
from tasks.media.planes.compose import alpha_composite
from tasks.media.planes.layout import Alpha, PixelLayout, Plane, Planes
from tasks.media.planes.warp import Region, source_coverage

Floats = NDArray[np.float64]

BORDER_BLUR_SHARE: Final = 0.04  # standard deviation of the blur beyond the edge, as a share of the picture's height
BORDER_BRIGHTNESS: Final = 0.55  # brightness that is left beyond the edge
REDUCED_SIGMA_SAMPLES: Final = 2  # standard deviation, in samples, that the reduced plane is blurred by
MIN_BLUR_WEIGHT: Final = 1e-3  # weight at which no sample nearby counts


def blur_border(
    moved: Planes,
    planes: Sequence[Plane],
    layout: PixelLayout,
    to_output: Floats,
    black: Sequence[int],
    chroma_location: int,
) -> Planes:
    """``moved``, with what the source does not cover replaced by its blurred and darkened continuation.

    ``planes`` is the source picture that ``to_output`` (2, 3) brought to ``moved``; ``black`` one value a plane. Where
    all is covered, ``moved`` itself.
    """
    rows, columns = planes[0].shape
    high, wide = moved[0].shape
    share = source_coverage(to_output, (columns, rows), Region(0, 0, wide, high))
    if share.min() >= 1:
        return moved
    results = []
    for index, (plane, shown) in enumerate(zip(planes, moved, strict=True)):
        step_xy = sample_spacing(layout, index)
        to_luma = plane_to_luma(layout, index, chroma_location)
        to_plane = affine.compose(affine.invert(to_luma), affine.compose(to_output, to_luma))
        sigma_xy = sigma_in_samples(BORDER_BLUR_SHARE * rows, step_xy)
        canvas = _continued(plane, sigma_xy, to_plane, shown.shape, black[index])
        alpha_composite(canvas, shown, sample_at_chroma(share, step_xy, chroma_location))
        results.append(canvas)
    return tuple(results)


def fill_border(
    moved: Planes,
    source_px: tuple[int, int],
    layout: PixelLayout,
    to_output: Floats,
    values: Sequence[int],
    chroma_location: int,
) -> Planes:
    """``moved``, with what a source of ``source_px`` does not cover in one colour, ``values`` one a plane.

    The picture ends with a soft edge of its own colours: a resampling that reached into the colour would ring there.
    Where all is covered, ``moved`` itself.
    """
    high, wide = moved[0].shape
    share = source_coverage(to_output, source_px, Region(0, 0, wide, high))
    if share.min() >= 1:
        return moved
    results = []
    for index, shown in enumerate(moved):
        canvas = np.full_like(shown, values[index])
        alpha_composite(canvas, shown, sample_at_chroma(share, sample_spacing(layout, index), chroma_location))
        results.append(canvas)
    return tuple(results)


def sigma_in_samples(sigma_px: float, step_xy: tuple[int, int]) -> tuple[float, float]:
    """``sigma_px`` luma pixels in samples across and down of a plane that has one every ``step_xy`` of them."""
    return sigma_px / step_xy[0], sigma_px / step_xy[1]


def masked_blur(plane: Plane, sigma_xy: tuple[float, float], weight: Alpha, empty: int) -> Plane:
    """``plane`` (h, w) blurred by ``sigma_xy`` samples, each counting by its ``weight`` (h, w).

    Where none near counts it is ``empty``. Weights below 1 spread a little first, so that an edge that shows both does
    not glow.
    """
    factor_xy = _factors(sigma_xy)
    small, share = (_reduced(part, factor_xy) for part in (plane, weight))
    wide, high = (3 if factor > 1 else 1 for factor in factor_xy)
    if (wide, high) != (1, 1):
        share = cv2.erode(share, np.ones((high, wide), np.uint8))
    total = _blurred(small.astype(np.float32) * share, sigma_xy) + MIN_BLUR_WEIGHT * empty
    blurred = np.rint(total / (_blurred(share, sigma_xy) + MIN_BLUR_WEIGHT)).astype(plane.dtype)
    return np.asarray(cv2.resize(blurred, plane.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _continued(
    plane: Plane, sigma_xy: tuple[float, float], to_output: Floats, shape: tuple[int, ...], black: int
) -> Plane:
    """``plane`` blurred, dimmed, moved by ``to_output``, its edge repeated over a new plane of ``shape``."""
    factor_xy = _factors(sigma_xy)
    small = _blurred(_reduced(plane, factor_xy), sigma_xy, cv2.BORDER_REPLICATE)
    dim = cv2.addWeighted(small, BORDER_BRIGHTNESS, small, 0, black * (1 - BORDER_BRIGHTNESS))
    there_px = _small_px(shape, factor_xy)
    enlarge, enlarge_there = (
        _enlarging(part, whole) for part, whole in ((dim.shape[::-1], plane.shape[::-1]), (there_px, shape[::-1]))
    )
    matrix = affine.compose(affine.invert(enlarge_there), affine.compose(to_output, enlarge))
    moved = cv2.warpAffine(dim, matrix, there_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(moved, shape[::-1], interpolation=cv2.INTER_LINEAR))


def _factors(sigma_xy: tuple[float, float]) -> tuple[int, int]:
    """By how much a plane can be reduced along x and y before it is blurred."""
    return max(int(sigma_xy[0] / REDUCED_SIGMA_SAMPLES), 1), max(int(sigma_xy[1] / REDUCED_SIGMA_SAMPLES), 1)


def _small_px(shape: tuple[int, ...], factor_xy: tuple[int, int]) -> tuple[int, int]:
    return -(-shape[1] // factor_xy[0]), -(-shape[0] // factor_xy[1])


def _reduced(plane: Plane, factor_xy: tuple[int, int]) -> Plane:
    return np.asarray(cv2.resize(plane, _small_px(plane.shape, factor_xy), interpolation=cv2.INTER_AREA))


def _blurred(small: Plane, sigma_xy: tuple[float, float], border: int = cv2.BORDER_DEFAULT) -> Plane:
    """A plane that was reduced by ``_factors`` blurred by what ``sigma_xy`` samples of the whole are in it."""
    across, down = (sigma / factor for sigma, factor in zip(sigma_xy, _factors(sigma_xy), strict=True))
    return np.asarray(cv2.GaussianBlur(small, (0, 0), across, sigmaY=down, borderType=border))


def _enlarging(small_px: Sequence[int], size_px: Sequence[int]) -> Floats:
    """2x3 matrix from the pixels of a reduced picture to those of the whole."""
    factor = np.array(size_px) / np.array(small_px)
    return np.column_stack([np.diag(factor), (factor - 1) / 2])
