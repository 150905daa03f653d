"""A person cut out of each picture by its mask and set, moved, before a plain colour."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.maths import motion
from tasks.media.compose import draw_over, plain
from tasks.media.layout import PixelLayout, Planes
from tasks.media.masks_file import Mask, State
from tasks.media.matte import (
    alpha_of,
    coverage,
    model_to_source,
    place,
    reduce_alpha,
    refine,
    region_of,
    solid,
    steady,
)
from tasks.media.shift import plane_step, shift_planes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """What is the same for all pictures of a cut-out clip."""

    layout: PixelLayout
    chroma_location: int  # FFmpeg's code
    size_px: tuple[int, int]  # of the output
    background: Sequence[int]  # one value a plane
    interpolation: str
    refine: bool  # the edge by the picture


def steadied(masks: Iterator[Mask], anchor_xy: Floats) -> Iterator[Mask]:
    """The same masks, each averaged with the frames before and after it, moved along with the anchor (n, 2).

    Only frames in which somebody is followed lend and take.
    """
    before: Mask | None = None
    now = next(masks, None)
    index = 0
    while now is not None:
        after = next(masks, None)
        near = [(other, index + step) for other, step in ((before, -1), (after, 1)) if other is not None]
        neighbours = [
            (other.probability, onto(other, now, anchor_xy[index] - anchor_xy[at]))
            for other, at in near
            if State.nobody not in (now.state, other.state)
        ]
        yield now._replace(probability=steady(now.probability, neighbours))
        before, now, index = now, after, index + 1


def onto(other: Mask, now: Mask, step_xy: Floats) -> Floats:
    """2x3 matrix from the pixels of ``other`` to those of ``now``, for a body that went by ``step_xy`` source px."""
    there, here = to_source(other), to_source(now)
    scale = here[[0, 1], [0, 1]]  # boxes are upright: no need of a general inverse
    return np.column_stack([there[:, :2] / scale[:, None], (there[:, 2] + step_xy - here[:, 2]) / scale])


def to_source(mask: Mask) -> Floats:
    """2x3 matrix from the mask's pixels to the source's."""
    height, width = mask.probability.shape
    return model_to_source(mask.edges_px, (width, height))


def cut_out(planes: Planes, mask: Mask, shift_xy: tuple[float, float], look: Look) -> Planes:
    """New planes: the person of ``planes`` moved by ``shift_xy``, before the background.

    Picture and mask are each resampled once, and only where the person is. Nothing shows outside the source picture.
    """
    layout, canvas = look.layout, plain(look.layout, look.size_px, look.background)
    to_output = motion.compose(motion.translation(np.array(shift_xy)), to_source(mask))
    body = solid(mask.probability)
    region = region_of(body, to_output, look.size_px, plane_step(layout, layout.planes - 1))
    if region.empty:
        return canvas
    shift = (shift_xy[0] - region.x0, shift_xy[1] - region.y0)
    moved = shift_planes(planes, layout, shift, region.size_px, interpolation=look.interpolation)
    edge = place(body, to_output, region)
    if look.refine:
        edge = refine(edge, (moved[0] >> (layout.depth - 8)).astype(np.uint8))
    rows, columns = planes[0].shape
    covered_x, covered_y = coverage(shift_xy, (columns, rows), region)
    alpha = alpha_of(edge) * covered_y[:, None] * covered_x
    steps = [plane_step(layout, index) for index in range(layout.planes)]
    opacity = {step: reduce_alpha(alpha, step, look.chroma_location) for step in set(steps)}
    for plane, target, (step_x, step_y) in zip(moved, canvas, steps, strict=True):
        part = target[region.y0 // step_y :, region.x0 // step_x :][: plane.shape[0], : plane.shape[1]]
        draw_over(part, plane, opacity[step_x, step_y], (1 << layout.depth) - 1)
    return canvas
