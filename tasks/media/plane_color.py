"""A plain colour as plane values: matrix, range and depth of the picture it goes into."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tasks.media.layout import PixelLayout, sws_matrix
from tasks.records import ColorTags

# Weights of red and blue in luma (ITU-T H.273, table 4), by the code that ``sws_matrix`` gives.
LUMA_WEIGHTS: Final = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
}
FULL_RANGE: Final = 2  # AVCOL_RANGE_JPEG
UNSPECIFIED: Final = 2  # AVCOL_SPC_UNSPECIFIED


def plane_values(rgb: Sequence[int], layout: PixelLayout, color: ColorTags, height_px: int) -> tuple[int, ...]:
    """One value a plane that shows ``rgb`` (0..255 each) in a picture of ``height_px`` rows.

    The height tells what an unspecified matrix means.
    """
    peak = (1 << layout.depth) - 1
    red, green, blue = (part / 255 for part in rgb)
    if layout.name.startswith("gbr"):
        return tuple(round(part * peak) for part in (green, blue, red))
    weight_red, weight_blue = LUMA_WEIGHTS[sws_matrix(color.matrix, height_px)]
    luma = weight_red * red + (1 - weight_red - weight_blue) * green + weight_blue * blue
    chroma = ((blue - luma) / (1 - weight_blue) / 2, (red - luma) / (1 - weight_red) / 2)
    unit = 1 << (layout.depth - 8)
    full = color.range == FULL_RANGE
    black, luma_span, chroma_span = (0, peak, peak) if full else (16 * unit, 219 * unit, 224 * unit)
    values = (black + luma_span * luma, *(128 * unit + chroma_span * part for part in chroma))
    return tuple(min(round(value), peak) for value in values[: layout.planes])


def tags_at(color: ColorTags, source_height_px: int, height_px: int) -> ColorTags:
    """Tags for a picture of another height: an unspecified matrix is named where its meaning would change."""
    meant, assumed = (sws_matrix(color.matrix, height) for height in (source_height_px, height_px))
    return color if color.matrix != UNSPECIFIED or meant == assumed else replace(color, matrix=meant)
