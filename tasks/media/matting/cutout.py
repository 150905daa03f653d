"""A person cut out of each picture by its mask and moved, to be set before another background."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, State
from tasks.media.matting.matte import (
    Alpha,
    Region,
    alpha_of,
    coverage,
    model_to_source,
    place,
    reduce_plane,
    refine,
    region_of,
    solid,
    steady,
)
from tasks.media.planes.compose import draw_over
from tasks.media.planes.layout import PixelLayout, Planes
from tasks.media.planes.shift import plane_step
from tasks.media.planes.warp import warp_planes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """What is the same for all pictures of a cut-out clip."""

    layout: PixelLayout
    chroma_location: int  # FFmpeg's code
    size_px: tuple[int, int]  # of the output
    interpolation: str
    refine: bool  # the edge by the picture


@dataclass(frozen=True)
class Cut:
    """What is cut out, as it stands in a region of the output that begins on the grid of chroma samples."""

    region: Region
    planes: Planes
    opacity: tuple[Alpha, ...]  # of each plane, in its shape


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


def cut_out(planes: Planes, mask: Mask, to_output: Floats, look: Look) -> Cut | None:
    """The person of ``planes`` moved by ``to_output`` (2, 3); None where no part of it lies in the output.

    Picture and mask are each resampled once, and only where the person is. Nothing shows outside the source picture.
    """
    mask_to_output = affine.compose(to_output, to_source(mask))
    body = solid(mask.probability)
    grid = plane_step(look.layout, look.layout.planes - 1)
    region = region_of(body, mask_to_output, look.size_px, grid)
    if region.empty:
        return None
    moved = _moved(planes, to_output, region, look)
    edge = place(body, mask_to_output, region)
    if look.refine:
        edge = refine(edge, (moved[0] >> (look.layout.depth - 8)).astype(np.uint8))
    rows, columns = planes[0].shape
    alpha = alpha_of(edge) * coverage(to_output, (columns, rows), region)
    return Cut(region, moved, _opacity(alpha, look))


def whole(planes: Planes, to_output: Floats, look: Look) -> Cut:
    """The whole picture moved by ``to_output`` (2, 3): opaque where the source covers the output."""
    region = Region(0, 0, *look.size_px)
    rows, columns = planes[0].shape
    alpha = coverage(to_output, (columns, rows), region)
    return Cut(region, _moved(planes, to_output, region, look), _opacity(alpha, look))


def draw(cut: Cut, canvas: Planes, layout: PixelLayout, *, straight: bool = False) -> None:
    """Draw ``cut`` into planes of the output; ``straight``: its own colours, unmixed, where it shows at all."""
    peak = (1 << layout.depth) - 1
    for index, (plane, opacity) in enumerate(zip(cut.planes, cut.opacity, strict=True)):
        draw_over(part_of(canvas[index], cut, plane_step(layout, index)), plane, opacity, peak, straight=straight)


def part_of(plane: NDArray[Any], cut: Cut, step_xy: tuple[int, int]) -> NDArray[Any]:
    """The part of a plane of the output that ``cut`` lies over; a view."""
    width, height = cut.region.size_px
    rows, columns = -(-height // step_xy[1]), -(-width // step_xy[0])
    return plane[cut.region.y0 // step_xy[1] :, cut.region.x0 // step_xy[0] :][:rows, :columns]


def _moved(planes: Planes, to_output: Floats, region: Region, look: Look) -> Planes:
    to_region = affine.compose(affine.translation(np.array([-region.x0, -region.y0])), to_output)
    sited, interpolation = look.chroma_location, look.interpolation
    return warp_planes(
        planes, look.layout, to_region, region.size_px, chroma_location=sited, interpolation=interpolation
    )


def _opacity(alpha: Alpha, look: Look) -> tuple[Alpha, ...]:
    steps = [plane_step(look.layout, index) for index in range(look.layout.planes)]
    reduced = {step: reduce_plane(alpha, step, look.chroma_location) for step in set(steps)}
    return tuple(reduced[step] for step in steps)
