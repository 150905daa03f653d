"""Cut a person out of each picture by the mask, move the cutout, and set it before another background."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.matting.matte import (
    average_with_neighbours,
    harden_mask,
    mask_region,
    mask_to_alpha,
    refine_edge,
    warp_mask,
)
from tasks.media.planes.borders import masked_blur, sigma_in_samples
from tasks.media.planes.chroma import sample_at_chroma, sample_spacing
from tasks.media.planes.compose import composite_foreground, solid_planes
from tasks.media.planes.crop import box_to_source
from tasks.media.planes.layout import Alpha, PixelLayout, Planes
from tasks.media.planes.warp import Region, source_coverage, warp_planes

Floats = NDArray[np.float64]

# Standard deviation by which colours extend beyond a transparent edge, as a share of the region's height.
EDGE_BLEED_SHARE: Final = 0.012


@dataclass(frozen=True)
class CutoutSettings:
    """What is the same for all pictures of a clip."""

    layout: PixelLayout
    chroma_location: int  # FFmpeg's code
    size_px: tuple[int, int]  # of the output
    interpolation: str
    refine: bool  # align the mask's edge with edges of the picture


@dataclass(frozen=True)
class Cutout:
    """A cut-out person in a region of the output. The region begins on the grid of chroma samples."""

    region: Region
    planes: Planes
    opacity: tuple[Alpha, ...]  # of each plane, in its shape


def smooth_masks_in_time(masks: Iterator[Mask], anchor_xy: Floats) -> Iterator[Mask]:
    """The same masks, each averaged with the frame before and after it, aligned by the anchor (n, 2) in source px.

    Frames without a person neither contribute nor change.
    """
    before: Mask | None = None
    now = next(masks, None)
    index = 0
    while now is not None:
        after = next(masks, None)
        near = [(other, index + step) for other, step in ((before, -1), (after, 1)) if other is not None]
        neighbours = [
            (other.probability, mask_to_mask(other, now, anchor_xy[index] - anchor_xy[at]))
            for other, at in near
            if MaskState.nobody not in (now.state, other.state)
        ]
        yield now._replace(probability=average_with_neighbours(now.probability, neighbours))
        before, now, index = now, after, index + 1


def mask_to_mask(other: Mask, now: Mask, spacing_xy: Floats) -> Floats:
    """2x3 matrix from the pixels of ``other`` to those of ``now``, for a body that moved by ``step_xy`` source px."""
    there, here = mask_to_source(other), mask_to_source(now)
    scale = here[[0, 1], [0, 1]]  # boxes are upright, so no general inverse is needed
    return np.column_stack([there[:, :2] / scale[:, None], (there[:, 2] + spacing_xy - here[:, 2]) / scale])


def mask_to_source(mask: Mask) -> Floats:
    """2x3 matrix from the mask's pixels to the source's."""
    height, width = mask.probability.shape
    return box_to_source(mask.edges_px, (width, height))


def cut_out_person(planes: Planes, mask: Mask, to_output: Floats, settings: CutoutSettings) -> Cutout | None:
    """The person of ``planes`` moved by ``to_output`` (2, 3). None if no part of the person lies in the output.

    Picture and mask are each resampled once, only around the person. Alpha is 0 outside the source picture.
    """
    mask_to_output = affine.compose(to_output, mask_to_source(mask))
    body = harden_mask(mask.probability)
    grid = sample_spacing(settings.layout, settings.layout.planes - 1)
    region = mask_region(body, mask_to_output, settings.size_px, grid)
    if region.empty:
        return None
    moved = _moved(planes, to_output, region, settings)
    edge = warp_mask(body, mask_to_output, region)
    if settings.refine:
        edge = refine_edge(edge, (moved[0] >> (settings.layout.depth - 8)).astype(np.uint8))
    rows, columns = planes[0].shape
    alpha = mask_to_alpha(edge) * source_coverage(to_output, (columns, rows), region)
    return Cutout(region, moved, _opacity(alpha, settings))


def whole_picture_cutout(planes: Planes, to_output: Floats, settings: CutoutSettings) -> Cutout:
    """The whole picture moved by ``to_output`` (2, 3), opaque where the source covers the output."""
    region = Region(0, 0, *settings.size_px)
    rows, columns = planes[0].shape
    alpha = source_coverage(to_output, (columns, rows), region)
    return Cutout(region, _moved(planes, to_output, region, settings), _opacity(alpha, settings))


def draw_cutout(cutout: Cutout, canvas: Planes, layout: PixelLayout, *, straight: bool = False) -> None:
    """Draw ``cutout`` into planes of the output. ``straight``: write its unmixed colours where alpha is not 0."""
    peak = (1 << layout.depth) - 1
    for index, (plane, opacity) in enumerate(zip(cutout.planes, cutout.opacity, strict=True)):
        composite_foreground(
            cutout_window(canvas[index], cutout, sample_spacing(layout, index)), plane, opacity, peak, straight=straight
        )


def cutout_window(plane: NDArray[Any], cutout: Cutout, spacing_xy: tuple[int, int]) -> NDArray[Any]:
    """A view of the part of an output plane that ``cutout`` covers."""
    width, height = cutout.region.size_px
    rows, columns = -(-height // spacing_xy[1]), -(-width // spacing_xy[0])
    return plane[cutout.region.y0 // spacing_xy[1] :, cutout.region.x0 // spacing_xy[0] :][:rows, :columns]


def _moved(planes: Planes, to_output: Floats, region: Region, settings: CutoutSettings) -> Planes:
    to_region = affine.compose(affine.translation(np.array([-region.x0, -region.y0])), to_output)
    location, interpolation = settings.chroma_location, settings.interpolation
    return warp_planes(
        planes, settings.layout, to_region, region.size_px, chroma_location=location, interpolation=interpolation
    )


def _opacity(alpha: Alpha, settings: CutoutSettings) -> tuple[Alpha, ...]:
    steps = [sample_spacing(settings.layout, index) for index in range(settings.layout.planes)]
    reduced = {step: sample_at_chroma(alpha, step, settings.chroma_location) for step in set(steps)}
    return tuple(reduced[step] for step in steps)


def blurred_background(
    moved: Planes, cutout: Cutout | None, layout: PixelLayout, sigma_px: float, black: Sequence[int]
) -> Planes:
    """New planes: ``moved`` blurred by ``sigma_px`` luma pixels, without the pixels of the person in ``cutout``."""
    blurred = []
    for index, plane in enumerate(moved):
        spacing_xy = sample_spacing(layout, index)
        weight = np.ones(plane.shape, np.float32)
        if cutout is not None:
            cutout_window(weight, cutout, spacing_xy)[:] -= cutout.opacity[index]
        blurred.append(masked_blur(plane, sigma_in_samples(sigma_px, spacing_xy), weight, black[index]))
    return tuple(blurred)


def transparent_planes(
    cutout: Cutout | None, layout: PixelLayout, size_px: tuple[int, int], black: Sequence[int]
) -> tuple[Planes, Alpha]:
    """Planes with straight (unmixed) colours, and their opacity (h, w), 0..1.

    The person's colours extend a little beyond the edge. Otherwise subsampled chroma, or a later resize, would mix in
    another colour. Elsewhere the planes are ``black``, one value a plane.
    """
    canvas = solid_planes(layout, size_px, black)
    alpha = np.zeros(size_px[::-1], np.float32)
    if cutout is None:
        return canvas, alpha
    for index, (plane, opacity) in enumerate(zip(cutout.planes, cutout.opacity, strict=True)):
        spacing_xy = sample_spacing(layout, index)
        across, down = sigma_in_samples(EDGE_BLEED_SHARE * cutout.region.size_px[1], spacing_xy)
        cutout_window(canvas[index], cutout, spacing_xy)[:] = masked_blur(
            plane, (max(across, 2.0), max(down, 2.0)), opacity, black[index]
        )
    draw_cutout(cutout, canvas, layout, straight=True)
    cutout_window(alpha, cutout, (1, 1))[:] = cutout.opacity[0]
    return canvas, alpha
