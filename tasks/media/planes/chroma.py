"""Where the samples of a plane lie in the picture. Chroma may be subsampled, with different sample positions.

``chroma_location`` is FFmpeg's code (AVChromaLocation) everywhere.
"""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.media.planes.layout import CHROMA_LEFT, CHROMA_OFFSETS, Alpha, PixelLayout

Shares = TypeVar("Shares", Alpha, NDArray[np.uint8])


def sample_spacing(layout: PixelLayout, index: int) -> tuple[int, int]:
    """Distance between neighbouring samples of plane ``index``, (x, y), in luma pixels."""
    return (1 << layout.chroma_shift[0], 1 << layout.chroma_shift[1]) if index in (1, 2) else (1, 1)


def plane_to_luma(layout: PixelLayout, index: int, chroma_location: int) -> Floats:
    """2x3 matrix from the samples of plane ``index`` to luma pixels.

    An unspecified location is taken as left, as in H.264 and MPEG-2: on the first of two columns and between two rows.
    """
    step_x, step_y = sample_spacing(layout, index)
    right, down = (half_px / 2 for half_px in _offset(chroma_location))
    return np.array([[step_x, 0, right if step_x == 2 else 0.0], [0, step_y, down if step_y == 2 else 0.0]], np.float64)


def sample_at_chroma(plane: Shares, spacing_xy: tuple[int, int], chroma_location: int) -> Shares:
    """A plane of luma's size resampled at the chroma samples: the mean of the luma pixels around each.

    ``spacing_xy`` is the distance of chroma samples in luma pixels, 1 or 2 (see ``sample_spacing``). Location 2 is
    centred. Location 3 is on the first luma pixel in both directions. Location 1 and unspecified (as in H.264) are on
    the first column and between the rows. Locations 5 and 6, on the second row, are taken as between the rows too.
    """
    co_sited = [half_px == 0 for half_px in _offset(chroma_location)]
    for axis in (0, 1):
        if spacing_xy[axis] == 2:
            taps = np.array([[0.25, 0.5, 0.25] if co_sited[axis] else [0.5, 0.5]])
            middle = 1 if co_sited[axis] else 0
            kernel, anchor = (taps, (middle, 0)) if axis == 0 else (taps.T, (0, middle))
            plane = cv2.filter2D(plane, -1, kernel, anchor=anchor, borderType=cv2.BORDER_REPLICATE)
            plane = plane[:, ::2] if axis == 0 else plane[::2]
    return plane


def _offset(chroma_location: int) -> tuple[int, int]:
    return CHROMA_OFFSETS.get(chroma_location, CHROMA_OFFSETS[CHROMA_LEFT])
