"""RGB colours as plane values, for the matrix, range and depth of a clip."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.media.planes.chroma import sample_at_chroma, sample_spacing
from tasks.media.planes.layout import FULL_RANGE, PixelLayout, Planes, swscale_matrix
from tasks.records import ColorTags

# Weights of red and blue in luma (ITU-T H.273, table 4), by the code from ``swscale_matrix``.
LUMA_WEIGHTS_RED_BLUE: Final = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
}


def plane_values(rgb: Sequence[int], layout: PixelLayout, color: ColorTags, height_px: int) -> tuple[int, ...]:
    """The colour ``rgb`` (0..255 each) as one value a plane, for a picture of ``height_px`` rows.

    The height decides what an unspecified matrix means.
    """
    pixel = np.array(rgb, np.float32).reshape(1, 1, 3)
    return tuple(
        int(plane[0, 0]) for plane in rgb_to_planes(pixel, replace(layout, chroma_shift=(0, 0)), color, height_px)
    )


def rgb_to_planes(rgb: NDArray[Any], layout: PixelLayout, color: ColorTags, height_px: int) -> Planes:
    """Planes that show ``rgb`` (h, w, 3), 0..255, in a clip with pictures of ``height_px`` rows."""
    peak = (1 << layout.depth) - 1
    red, green, blue = (rgb[..., index].astype(np.float32) / np.float32(255) for index in range(3))
    if layout.is_rgb:
        return tuple(_stored(part * peak, layout) for part in (green, blue, red))
    weight_red, weight_blue = LUMA_WEIGHTS_RED_BLUE[swscale_matrix(color.matrix, height_px)]
    luma = weight_red * red + (1 - weight_red - weight_blue) * green + weight_blue * blue
    chroma = ((blue - luma) / (1 - weight_blue) / 2, (red - luma) / (1 - weight_red) / 2)
    unit = 1 << (layout.depth - 8)
    black, luma_span, chroma_span = (
        (0, peak, peak) if color.range == FULL_RANGE else (16 * unit, 219 * unit, 224 * unit)
    )
    spacing_xy = sample_spacing(layout, 1)
    reduced = (sample_at_chroma(part, spacing_xy, color.chroma_location) for part in chroma[: layout.planes - 1])
    values = (black + luma_span * luma, *(128 * unit + chroma_span * part for part in reduced))
    return tuple(_stored(part, layout) for part in values)


def _stored(values: NDArray[np.float32], layout: PixelLayout) -> NDArray[Any]:
    return np.rint(values).clip(0, (1 << layout.depth) - 1).astype(layout.dtype)
