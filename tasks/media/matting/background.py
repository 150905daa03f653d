"""What stands behind a person who is cut out: the same scene out of focus, or nothing at all."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tasks.media.matting.cutout import Cut, draw, part_of
from tasks.media.matting.matte import Alpha
from tasks.media.planes.compose import plain
from tasks.media.planes.layout import PixelLayout, Planes
from tasks.media.planes.shift import plane_step
from tasks.media.planes.soften import samples, soften

EDGE_REACH: Final = 0.012  # standard deviation of the colours that go on beyond a clear edge, share of the height


def out_of_focus(moved: Planes, cut: Cut | None, layout: PixelLayout, sigma_px: float, black: Sequence[int]) -> Planes:
    """New planes: ``moved`` blurred by ``sigma_px`` luma pixels as if what ``cut`` shows were not there."""
    blurred = []
    for index, plane in enumerate(moved):
        step_xy = plane_step(layout, index)
        weight = np.ones(plane.shape, np.float32)
        if cut is not None:
            part_of(weight, cut, step_xy)[:] -= cut.opacity[index]
        blurred.append(soften(plane, samples(sigma_px, step_xy), weight, black[index]))
    return tuple(blurred)


def on_nothing(
    cut: Cut | None, layout: PixelLayout, size_px: tuple[int, int], black: Sequence[int]
) -> tuple[Planes, Alpha]:
    """Planes with straight (unmixed) colours, and their opacity (h, w), 0..1.

    A person's colours go on a little beyond the edge, so that neither chroma of half the size nor a later scaling
    brings in another one; far away there is ``black``, one value a plane.
    """
    canvas = plain(layout, size_px, black)
    alpha = np.zeros(size_px[::-1], np.float32)
    if cut is None:
        return canvas, alpha
    for index, (plane, opacity) in enumerate(zip(cut.planes, cut.opacity, strict=True)):
        step_xy = plane_step(layout, index)
        across, down = samples(EDGE_REACH * cut.region.size_px[1], step_xy)
        part_of(canvas[index], cut, step_xy)[:] = soften(
            plane, (max(across, 2.0), max(down, 2.0)), opacity, black[index]
        )
    draw(cut, canvas, layout, straight=True)
    part_of(alpha, cut, (1, 1))[:] = cut.opacity[0]
    return canvas, alpha
