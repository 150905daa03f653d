"""Move the planes of a picture by any affine map, in one resampling, in the pixel format they have."""

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.planes.layout import PixelLayout, Planes
from tasks.media.planes.shift import BORDERS, plane_step, shift_planes

Floats = NDArray[np.float64]
Plane = NDArray[Any]

KERNELS: Final = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
FINEST_BLUR_PX: Final = 0.05  # standard deviation below which a blur changes no 8-bit value by more than one level


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

    A pure translation is ``shift_planes``, exact where it is whole. ``chroma_location`` is FFmpeg's code;
    ``interpolation`` names one of ``KERNELS``. What the source does not cover takes what ``border`` names
    among ``BORDERS``.
    """
    if np.array_equal(to_output[:, :2], np.eye(2)):
        shift = (float(to_output[0, 2]), float(to_output[1, 2]))
        return shift_planes(planes, layout, shift, size_px, interpolation=interpolation, border=border)
    blur_px = max(1 / float(affine.scale(to_output)) - 1, 0.0) / 2
    peak = (1 << layout.depth) - 1
    moved = []
    for index, plane in enumerate(planes):
        to_luma = plane_to_luma(layout, index, chroma_location)
        matrix = affine.compose(affine.invert(to_luma), affine.compose(to_output, to_luma))
        wh = layout.plane_wh(index, size_px)
        moved.append(warp_plane(plane, matrix, wh, interpolation, border, peak, blur_px=blur_px))
    return tuple(moved)


def warp_plane(
    plane: Plane,
    matrix: Floats,
    size_px: tuple[int, int],
    interpolation: str,
    border: str,
    peak: int,
    *,
    blur_px: float = 0.0,
) -> Plane:
    """One plane moved by ``matrix`` (2, 3), in its own samples; results are held to 0..``peak``.

    Positions are rounded to 1/32 of a sample, as OpenCV does. Before it is made smaller the plane is blurred by
    ``blur_px``, so that fine texture does not turn into a pattern.
    """
    if blur_px > FINEST_BLUR_PX:
        plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), blur_px, borderType=cv2.BORDER_REFLECT_101))
    moved = cv2.warpAffine(
        plane,
        affine.invert(matrix),
        size_px,
        flags=KERNELS[interpolation] | cv2.WARP_INVERSE_MAP,
        borderMode=BORDERS[border],
    )
    return np.asarray(moved if plane.dtype == np.uint8 else cv2.min(moved, float(peak)))


def plane_to_luma(layout: PixelLayout, index: int, chroma_location: int) -> Floats:
    """2x3 matrix from the samples of plane ``index`` to luma pixels; ``chroma_location`` is FFmpeg's code.

    Unspecified is taken as left: on the first of two columns, between two rows, as in H.264 and MPEG-2.
    """
    step_x, step_y = plane_step(layout, index)
    right = 0.5 if chroma_location in (2, 4, 6) else 0.0
    down = {3: 0.0, 4: 0.0, 5: 1.0, 6: 1.0}.get(chroma_location, 0.5)
    return np.array([[step_x, 0, right if step_x == 2 else 0.0], [0, step_y, down if step_y == 2 else 0.0]], np.float64)
