"""Take the light of a green or blue screen out of the edge of a cut-out person.

A screen shines on hair and shoulders, and shows through what is half transparent. Where a colour at the edge has more
green than red and blue, its green is lowered to the larger of the two, which is the colour difference of P. Vlahos that
keyers use. Inside, green clothes stay.
"""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Singles
from tasks.media.matting.cutout import Cutout
from tasks.media.planes.chroma import sample_at_chroma, sample_spacing
from tasks.media.planes.compose import composite_foreground, soft_edges
from tasks.media.planes.layout import FULL_RANGE, Alpha, PixelLayout, Planes, swscale_matrix
from tasks.media.planes.plane_color import LUMA_WEIGHTS_RED_BLUE
from tasks.records import ColorTags

# Of the cutout's height: up to this far inside the edge a screen's light is taken out fully, at twice as far by half.
BAND_SHARE: Final = 0.015
LEAST_BAND_PX: Final = 3  # and at least so far
SCREENS: Final = {"green": 1, "blue": 2}  # and their place in red, green, blue


def despilled(cutout: Cutout, screen: str, layout: PixelLayout, color: ColorTags, height_px: int) -> Cutout:
    """The cutout with its own colours alone, and without the light of a ``screen``, one of ``SCREENS``, at its edge.

    ``height_px`` is that of the clip's pictures, and decides what an unspecified matrix means.
    """
    peak = (1 << layout.depth) - 1
    planes = tuple(plane.copy() for plane in cutout.planes)
    behind = cutout.behind or (None,) * len(planes)
    for own, plane, edge, old in zip(planes, cutout.planes, soft_edges(cutout.levels), behind, strict=True):
        composite_foreground(own, plane, edge, peak, straight=True, behind=old)
    if len(planes) >= 3:
        planes = _without_screen(planes, edge_band(cutout.opacity[0]), SCREENS[screen], layout, color, height_px)
    return replace(cutout, planes=planes, behind=None, unmixed=True)


def edge_band(alpha: Alpha) -> Alpha:
    """How near (h, w) each pixel is to the edge of ``alpha``: 1 there and outside, 0 from three bands inside on."""
    band_px = max(round(BAND_SHARE * alpha.shape[0]), LEAST_BAND_PX)
    inside = cv2.erode(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [4 * band_px + 1] * 2), borderValue=0)
    return np.asarray(1 - cv2.GaussianBlur(inside, (0, 0), band_px / 2), np.float32)


def _without_screen(
    planes: Planes, band: Alpha, screen: int, layout: PixelLayout, color: ColorTags, height_px: int
) -> Planes:
    peak = (1 << layout.depth) - 1
    if layout.is_rgb:  # green, blue, red
        rgb = [planes[place].astype(np.float32) for place in (2, 0, 1)]
        place = {1: 0, 2: 1}[screen]
        lowered = planes[place] - band * _excess(rgb, screen)
        return tuple(_stored(lowered, plane, peak) if at == place else plane for at, plane in enumerate(planes))
    weight_red, weight_blue = LUMA_WEIGHTS_RED_BLUE[swscale_matrix(color.matrix, height_px)]
    weights = (weight_red, 1 - weight_red - weight_blue, weight_blue)
    unit = 1 << (layout.depth - 8)
    black, luma_span, chroma_span = (
        (0, peak, peak) if color.range == FULL_RANGE else (16 * unit, 219 * unit, 224 * unit)
    )
    luma = (planes[0].astype(np.float32) - black) / luma_span
    size = luma.shape[::-1]
    to_blue, to_red = (
        cv2.resize((plane.astype(np.float32) - 128 * unit) / chroma_span, size, interpolation=cv2.INTER_LINEAR)
        for plane in planes[1:3]
    )
    red, blue = luma + 2 * (1 - weight_red) * to_red, luma + 2 * (1 - weight_blue) * to_blue
    green = (luma - weights[0] * red - weights[2] * blue) / weights[1]
    taken = band * _excess([red, green, blue], screen)
    darker = -weights[screen] * taken
    # Blue and red minus luma: both grow as luma falls; blue itself falls with a blue screen.
    moved = [(-taken if screen == 2 else 0) - darker, -darker]
    chroma = [part / (2 * (1 - weight)) for part, weight in zip(moved, (weight_blue, weight_red), strict=True)]
    spacing_xy = sample_spacing(layout, 1)
    reduced = [sample_at_chroma(np.asarray(part, np.float32), spacing_xy, color.chroma_location) for part in chroma]
    changes = (luma_span * darker, *(chroma_span * part for part in reduced))
    return tuple(_stored(plane + change, plane, peak) for plane, change in zip(planes, changes, strict=True))


def _excess(rgb: list[Singles], screen: int) -> Singles:
    """How much more of the screen's colour each pixel has than of the other two."""
    others = [part for place, part in enumerate(rgb) if place != screen]
    return np.asarray(np.maximum(rgb[screen] - np.maximum(*others), 0))


def _stored(values: Singles, like: NDArray[np.uint8] | NDArray[np.uint16], peak: int) -> NDArray[np.uint8]:
    return np.asarray(np.rint(values).clip(0, peak).astype(like.dtype))
