"""What fills the output where the source picture does not cover it, and the strong blur of a background.

Strong blurs are computed on a reduced plane, which is much cheaper and looks the same.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.media.planes.chroma import plane_to_luma, sample_at_chroma, sample_spacing
from tasks.media.planes.compose import alpha_composite
from tasks.media.planes.layout import Alpha, PixelLayout, Plane, Planes
from tasks.media.planes.region import Region
from tasks.media.planes.warp import source_coverage

BORDER_BLUR_SHARE: Final = 0.04  # standard deviation of the border's blur, as a share of the picture's height
BORDER_BRIGHTNESS: Final = 0.55  # brightness of the border, as a share of the picture's
REDUCED_SIGMA_SAMPLES: Final = 2  # standard deviation of the blur on the reduced plane
MIN_BLUR_WEIGHT: Final = 1e-3  # keeps a weighted blur defined where all weights are 0


def blur_border(
    moved: Planes,
    planes: Sequence[Plane],
    layout: PixelLayout,
    to_output: Floats,
    black: Sequence[int],
    chroma_location: int,
) -> Planes:
    """``moved`` with a blurred and darkened continuation of the source where the source does not cover it.

    ``planes`` is the source picture, which ``to_output`` (2, 3) maps to ``moved``. ``black`` is one value a plane. If
    the source covers everything, the result is ``moved`` itself.
    """
    rows, columns = planes[0].shape
    high, wide = moved[0].shape
    share = source_coverage(to_output, (columns, rows), Region(0, 0, wide, high))
    if share.min() >= 1:
        return moved
    results = []
    for index, (plane, shown) in enumerate(zip(planes, moved, strict=True)):
        spacing_xy = sample_spacing(layout, index)
        to_luma = plane_to_luma(layout, index, chroma_location)
        to_plane = affine.compose(affine.invert(to_luma), affine.compose(to_output, to_luma))
        sigma_xy = sigma_in_samples(BORDER_BLUR_SHARE * rows, spacing_xy)
        canvas = _continued(plane, sigma_xy, to_plane, shown.shape, black[index])
        alpha_composite(canvas, shown, sample_at_chroma(share, spacing_xy, chroma_location))
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
    """``moved`` with one colour, ``values`` (one a plane), where a source of ``source_px`` does not cover it.

    The edge is blended softly from the picture's own pixels: resampling across a hard edge to the colour would ring. If
    the source covers everything, the result is ``moved`` itself.
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


def sigma_in_samples(sigma_px: float, spacing_xy: tuple[int, int]) -> tuple[float, float]:
    """``sigma_px`` luma pixels in samples (x, y) of a plane with sample spacing ``spacing_xy``."""
    return sigma_px / spacing_xy[0], sigma_px / spacing_xy[1]


def masked_blur(plane: Plane, sigma_xy: tuple[float, float], weight: Alpha, empty: int) -> Plane:
    """``plane`` (h, w) blurred with standard deviations ``sigma_xy`` in samples.

    Samples are weighted by ``weight`` (h, w). Where no sample nearby has weight, the result is ``empty``. The area of
    full weight shrinks a little first: pixels at the edge of the mask show both sides and would glow.
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
    """``plane`` blurred, dimmed, moved by ``to_output`` and extended by its edge pixels to a new plane of ``shape``."""
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
    """Factors (x, y) by which a plane can be reduced before a blur of ``sigma_xy`` samples."""
    return max(int(sigma_xy[0] / REDUCED_SIGMA_SAMPLES), 1), max(int(sigma_xy[1] / REDUCED_SIGMA_SAMPLES), 1)


def _small_px(shape: tuple[int, ...], factor_xy: tuple[int, int]) -> tuple[int, int]:
    return -(-shape[1] // factor_xy[0]), -(-shape[0] // factor_xy[1])


def _reduced(plane: Plane, factor_xy: tuple[int, int]) -> Plane:
    return np.asarray(cv2.resize(plane, _small_px(plane.shape, factor_xy), interpolation=cv2.INTER_AREA))


def _blurred(small: Plane, sigma_xy: tuple[float, float], border: int = cv2.BORDER_DEFAULT) -> Plane:
    """Blur a plane that was reduced by ``_factors``, by ``sigma_xy`` samples of the full plane."""
    across, down = (sigma / factor for sigma, factor in zip(sigma_xy, _factors(sigma_xy), strict=True))
    return np.asarray(cv2.GaussianBlur(small, (0, 0), across, sigmaY=down, borderType=border))


def _enlarging(small_px: Sequence[int], size_px: Sequence[int]) -> Floats:
    """2x3 matrix from the pixels of a reduced picture to those of the full one."""
    factor = np.array(size_px) / np.array(small_px)
    return np.column_stack([np.diag(factor), (factor - 1) / 2])
