"""Move the planes of a picture by any affine map, in one resampling, in their own pixel format."""

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.media.planes.chroma import plane_to_luma
from tasks.media.planes.layout import CHROMA_LEFT, Alpha, PixelLayout, Plane, Planes
from tasks.media.planes.region import Region
from tasks.media.planes.shift import CV2_BORDERS, at_most, shift_planes

CV2_INTERPOLATIONS: Final = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
UNFILTERED: Final = 0.995  # of the size: a picture that becomes smaller by less has no detail that is too fine
LANCZOS_RADIUS: Final = 3
KERNEL_REACH: Final = {"linear": 1, "cubic": 2, "lanczos": 4}  # samples around a place that an interpolation looks at
_SHARE: Final = (np.arange(256) / 255).astype(np.float32)


def warp_planes(
    planes: Sequence[Plane],
    layout: PixelLayout,
    to_output: Floats,
    size_px: tuple[int, int],
    *,
    chroma_location: int = 0,
    interpolation: str = "cubic",
    border: str = "reflect",
) -> Planes:
    """Planes of a picture of ``size_px`` that shows the source moved by ``to_output`` (2, 3), in luma pixels.

    A pure translation uses ``shift_planes``, which is exact for whole pixels. ``chroma_location`` is FFmpeg's code;
    ``interpolation`` is a key of ``CV2_INTERPOLATIONS``. Uncovered parts are filled by ``border``, a key of
    ``CV2_BORDERS``. A picture that becomes smaller loses the detail that is too fine for it: see ``warp_plane``.
    """
    if np.array_equal(to_output[:, :2], np.eye(2)):
        shift = (float(to_output[0, 2]), float(to_output[1, 2]))
        return shift_planes(planes, layout, shift, size_px, interpolation=interpolation, border=border)
    scale = float(affine.length_scale(to_output))
    peak = (1 << layout.depth) - 1
    moved = []
    for index, plane in enumerate(planes):
        to_luma = plane_to_luma(layout, index, chroma_location)
        matrix = affine.compose(affine.invert(to_luma), affine.compose(to_output, to_luma))
        wh = layout.plane_wh(index, size_px)
        moved.append(warp_plane(plane, matrix, wh, interpolation, border, peak, scale=scale))
    return tuple(moved)


def warp_plane(
    plane: Plane,
    matrix: Floats,
    size_px: tuple[int, int],
    interpolation: str,
    border: str,
    peak: int,
    *,
    scale: float = 1.0,
) -> Plane:
    """One plane moved by ``matrix`` (2, 3), in its own samples. Results are clipped to 0..``peak``.

    OpenCV rounds positions to 1/32 of a sample. Where ``scale``, the factor of lengths, is below 1, a low-pass filter
    first takes out what is too fine for the smaller picture and would alias. The filter moves nothing, so there is one
    resampling. Filter and cubic interpolation together differ by 49 to 61 dB from Pillow's Lanczos reduction (0.75,
    1/2, 1/3 and 1/5 of a filmed frame of 1084x1080); a Gaussian blur reached 43 to 51 dB.
    """
    if scale < UNFILTERED:
        taps = low_pass_taps(scale)
        plane = np.asarray(cv2.sepFilter2D(plane, -1, taps, taps, borderType=cv2.BORDER_REFLECT_101))
    moved = cv2.warpAffine(
        plane,
        affine.invert(matrix),
        size_px,
        flags=CV2_INTERPOLATIONS[interpolation] | cv2.WARP_INVERSE_MAP,
        borderMode=CV2_BORDERS[border],
    )
    return np.asarray(moved) if plane.dtype == np.uint8 else at_most(moved, peak)


def filter_reach(interpolation: str, scale: float) -> int:
    """How far, in samples, ``warp_planes`` looks around a place of a picture whose lengths become ``scale`` times."""
    return KERNEL_REACH[interpolation] + (_low_pass_reach(scale) if scale < UNFILTERED else 0)


def low_pass_taps(scale: float) -> NDArray[np.float32]:
    """Taps (odd,) of a Lanczos filter that keeps frequencies below ``scale``, at most 1, times Nyquist's."""
    reach = _low_pass_reach(scale)
    distance = np.arange(-reach, reach + 1) * scale
    taps = np.sinc(distance) * np.sinc(distance / LANCZOS_RADIUS)
    return np.asarray(taps / taps.sum(), np.float32)


def _low_pass_reach(scale: float) -> int:
    return int(np.ceil(LANCZOS_RADIUS / scale)) - 1


def upsample_chroma(
    planes: Sequence[NDArray[Any]],
    layout: PixelLayout,
    finer: PixelLayout,
    size_px: tuple[int, int],
    chroma_location: int,
) -> Planes:
    """``planes`` of ``layout`` in the layout ``finer`` (see ``with_finer_chroma``). Equal layouts return ``planes``.

    FFmpeg's own conversion assumes chroma centred between the luma samples of a row, which is mostly wrong by half a
    pixel. ``chroma_location`` is FFmpeg's code for ``layout``.
    """
    if layout == finer:
        return tuple(planes)
    new = [planes[0]]
    for index in (1, 2):
        there = affine.invert(plane_to_luma(finer, index, CHROMA_LEFT))
        matrix = affine.compose(there, plane_to_luma(layout, index, chroma_location))
        wh, peak = finer.plane_wh(index, size_px), (1 << layout.depth) - 1
        new.append(np.asarray(warp_plane(planes[index], matrix, wh, "cubic", "replicate", peak)))
    return tuple(new)


def source_coverage(to_output: Floats, source_px: tuple[int, int], region: Region) -> Alpha:
    """Share (h, w), 0..1, of each pixel of ``region`` that the source, moved by ``to_output``, covers."""
    width, height = source_px
    inverse = affine.invert(to_output)
    corners = np.array([[x, y] for x in (region.x0, region.x1 - 1) for y in (region.y0, region.y1 - 1)], np.float64)
    at = affine.apply(inverse, corners)
    if at.min() >= 0 and (at <= [width - 1, height - 1]).all():
        return np.ones(region.size_px[::-1], np.float32)
    if inverse[0, 1] == 0 and inverse[1, 0] == 0:
        x = inverse[0, 0] * np.arange(region.x0, region.x1) + inverse[0, 2]
        y = inverse[1, 1] * np.arange(region.y0, region.y1) + inverse[1, 2]
        columns, rows = (np.clip(at + 1, 0, 1) * np.clip(size - at, 0, 1) for at, size in ((x, width), (y, height)))
        return np.outer(rows, columns).astype(np.float32)
    matrix = affine.compose(affine.translation(np.array([-region.x0, -region.y0])), to_output)
    whole = np.full((height, width), 255, np.uint8)
    return np.asarray(cv2.LUT(cv2.warpAffine(whole, matrix, region.size_px, flags=cv2.INTER_LINEAR), _SHARE))
