"""Chroma planes at the finer sampling that a file stores, each colour staying where it is in the picture."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.planes.layout import PixelLayout, Planes
from tasks.media.planes.warp import plane_to_luma, warp_plane

_LEFT = 1  # FFmpeg's code of the place that 4:2:2 has


def as_fine(layout: PixelLayout, coded: PixelLayout) -> PixelLayout:
    """``layout`` with the chroma sampling of ``coded`` where that is finer, else itself; the depth stays."""
    finer = layout.planes == 3 and not layout.is_rgb and coded.chroma_shift < layout.chroma_shift
    name = f"{coded.name.removesuffix('10le')}{'' if layout.depth == 8 else '10le'}"
    return replace(layout, name=name, chroma_shift=coded.chroma_shift) if finer else layout


def finer_chroma(
    planes: Sequence[NDArray[Any]],
    layout: PixelLayout,
    finer: PixelLayout,
    size_px: tuple[int, int],
    chroma_location: int,
) -> Planes:
    """``planes`` of ``layout`` in the layout ``finer`` (see ``as_fine``); the planes themselves where it is the same.

    FFmpeg's own conversion takes chroma as centred between the luma samples of a row: half a pixel off, mostly.
    ``chroma_location`` is FFmpeg's code, of ``layout``.
    """
    if layout == finer:
        return tuple(planes)
    new = [planes[0]]
    for index in (1, 2):
        there = affine.invert(plane_to_luma(finer, index, _LEFT))
        matrix = affine.compose(there, plane_to_luma(layout, index, chroma_location))
        wh, peak = finer.plane_wh(index, size_px), (1 << layout.depth) - 1
        new.append(np.asarray(warp_plane(planes[index], matrix, wh, "cubic", "replicate", peak)))
    return tuple(new)
