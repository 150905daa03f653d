"""Cut a person out of each picture by the matte or the mask, move the cutout, and draw it on another background."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask
from tasks.media.matting.matte import harden_mask, mask_region, mask_to_alpha, warp_mask
from tasks.media.matting.person_matte import Matte, aligned_edge, mask_to_source
from tasks.media.planes.borders import masked_blur, sigma_in_samples
from tasks.media.planes.chroma import sample_at_chroma, sample_spacing
from tasks.media.planes.compose import (
    OPAQUE_LEVEL,
    SHARE_OF_LEVEL,
    Levels,
    alpha_composite,
    composite_foreground,
    soft_edges,
    solid_planes,
)
from tasks.media.planes.layout import Alpha, PixelLayout, Planes
from tasks.media.planes.region import Region, planes_over
from tasks.media.planes.shift import shift_plane
from tasks.media.planes.warp import source_coverage, warp_planes

# Standard deviation by which colours extend beyond a transparent edge, as a share of the region's height.
EDGE_BLEED_SHARE: Final = 0.012
# Of the background behind a person's edge, which shows through a little; cubic takes about twice as long.
BEHIND_INTERPOLATION: Final = "linear"
EDGE_PX: Final = 16  # from the picture's edge on, a filter of a moved picture sees nothing of its border


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
    levels: tuple[Levels, ...]  # the opacity of each plane, in its shape, * 255
    behind: Planes | None = None  # the old background, where it is known
    unmixed: bool = False  # whether the planes show the person's own colours only, without the old background

    @cached_property
    def opacity(self) -> tuple[Alpha, ...]:
        """The opacity of each plane, 0..1; planes of one shape share it."""
        found = {level.shape: np.asarray(cv2.LUT(level, SHARE_OF_LEVEL), np.float32) for level in self.levels}
        return tuple(found[level.shape] for level in self.levels)


def cut_by_matte(
    planes: Planes, matte: Matte, to_output: Floats, settings: CutoutSettings, whole: Planes | None = None
) -> Cutout | None:
    """The person of ``matte``, moved by ``to_output`` (2, 3) from the picture ``planes``; None if no part is shown.

    Picture and opacity are each resampled once, only around the person. Opacity is 0 outside the source picture.
    ``whole`` is the whole picture, moved in the same way, if another output shows it: its samples are used where they
    are equal.
    """
    from_box = affine.compose(to_output, affine.translation(np.array(matte.box[:2], np.float64)))
    grid = sample_spacing(settings.layout, settings.layout.planes - 1)
    region = mask_region(matte.opacity, from_box, settings.size_px, grid)
    if region.empty:
        return None
    to_region = affine.compose(affine.translation(-np.array([region.x0, region.y0], np.float64)), from_box)
    if np.array_equal(to_region[:, :2], np.eye(2)):
        shift_xy = (float(to_region[0, 2]), float(to_region[1, 2]))
        moved = shift_plane(matte.opacity, shift_xy, region.size_px, "linear", "nothing", 255)
    else:
        moved = np.asarray(cv2.warpAffine(matte.opacity, to_region, region.size_px, flags=cv2.INTER_LINEAR))
    of_behind = replace(settings, interpolation=BEHIND_INTERPOLATION)
    behind = _moved(matte.behind, from_box, region, of_behind, border="replicate")
    levels = _levels(moved, settings)
    moved_planes = None if whole is None else _part_of_moved(whole, planes[0].shape, to_output, region, settings.layout)
    return Cutout(region, moved_planes or _moved(planes, to_output, region, settings), levels, behind)


def cut_by_mask(planes: Planes, mask: Mask, to_output: Floats, settings: CutoutSettings) -> Cutout | None:
    """The person of ``mask``, moved by ``to_output`` (2, 3), where no background is known; None if no part is shown."""
    mask_to_output = affine.compose(to_output, mask_to_source(mask))
    body = harden_mask(mask.probability)
    grid = sample_spacing(settings.layout, settings.layout.planes - 1)
    region = mask_region(body, mask_to_output, settings.size_px, grid)
    if region.empty:
        return None
    moved = _moved(planes, to_output, region, settings)
    edge = warp_mask(body, mask_to_output, region)
    if settings.refine:
        edge = aligned_edge(edge, moved[0], settings.layout)
    rows, columns = planes[0].shape
    alpha = mask_to_alpha(edge) * source_coverage(to_output, (columns, rows), region)
    return Cutout(region, moved, _levels(np.asarray(np.rint(alpha * OPAQUE_LEVEL), np.uint8), settings))


def whole_shares(somebody: NDArray[np.bool_], fade_frames: int) -> Floats:
    """Share (n,), 0..1, of the whole picture in each frame: 1 without ``somebody`` (n,), with fades of some frames."""
    frames, without = np.arange(len(somebody)), np.flatnonzero(~somebody)
    if not len(without):
        return np.zeros(len(somebody))
    after = np.searchsorted(without, frames).clip(0, len(without) - 1)
    nearest = np.minimum(np.abs(frames - without[after]), np.abs(frames - without[np.maximum(after - 1, 0)]))
    return np.asarray(np.clip(1 - nearest / (fade_frames + 1), 0, 1), np.float64)


def mix_whole(canvas: Planes, whole: Planes, share: float) -> Planes:
    """New planes: ``share`` of the ``whole`` picture, and the rest of the ``canvas``."""
    return tuple(
        np.asarray(cv2.addWeighted(plane, 1 - share, its, share, 0)) for plane, its in zip(canvas, whole, strict=True)
    )


def mix_whole_straight(
    planes: Planes, alpha: Alpha, whole: Planes, share: float, layout: PixelLayout, chroma_location: int
) -> tuple[Planes, Alpha]:
    """``mix_whole`` for straight colours with their opacity ``alpha`` (h, w), 0..1; ``share`` is above 0."""
    mixed = []
    for index, (plane, its) in enumerate(zip(planes, whole, strict=True)):
        below = (1 - share) * sample_at_chroma(alpha, sample_spacing(layout, index), chroma_location)
        mixed.append(np.rint(its + below / (below + share) * (plane.astype(np.float32) - its)).astype(plane.dtype))
    return tuple(mixed), np.asarray(share + (1 - share) * alpha, np.float32)


def draw_cutout(cutout: Cutout, canvas: Planes, layout: PixelLayout, *, straight: bool = False) -> None:
    """Draw ``cutout`` into planes of the output. ``straight``: write its unmixed colours where alpha is not 0."""
    peak = (1 << layout.depth) - 1
    for index, (plane, edge) in enumerate(zip(cutout.planes, soft_edges(cutout.levels), strict=True)):
        window = cutout_window(canvas[index], cutout, sample_spacing(layout, index))
        if cutout.unmixed:
            if straight:
                np.copyto(window, plane, where=edge.level > 0)
            else:
                alpha_composite(window, plane, cutout.opacity[index])
            continue
        behind = None if cutout.behind is None else cutout.behind[index]
        composite_foreground(window, plane, edge, peak, straight=straight, behind=behind)


def cutout_window(plane: NDArray[Any], cutout: Cutout, spacing_xy: tuple[int, int]) -> NDArray[Any]:
    """A view of the part of an output plane that ``cutout`` covers."""
    width, height = cutout.region.size_px
    rows, columns = -(-height // spacing_xy[1]), -(-width // spacing_xy[0])
    return plane[cutout.region.y0 // spacing_xy[1] :, cutout.region.x0 // spacing_xy[0] :][:rows, :columns]


def _moved(
    planes: Planes, to_output: Floats, region: Region, settings: CutoutSettings, border: str = "reflect"
) -> Planes:
    return warp_planes(
        planes,
        settings.layout,
        affine.compose(affine.translation(np.array([-region.x0, -region.y0])), to_output),
        region.size_px,
        chroma_location=settings.chroma_location,
        interpolation=settings.interpolation,
        border=border,
    )


def _part_of_moved(
    whole: Planes, source_shape: tuple[int, ...], to_output: Floats, region: Region, layout: PixelLayout
) -> Planes | None:
    """Views of a ``region`` of a shifted picture; None for another movement, or near the picture's edge.

    Near the edge, the border of ``whole`` shows. The sums of a shift are the same for a part: see ``shift``.
    """
    if not np.array_equal(to_output[:, :2], np.eye(2)):
        return None
    x, y = to_output[:, 2]
    inside = region.x0 - x >= EDGE_PX <= source_shape[1] - (region.x1 - x)
    if not (inside and region.y0 - y >= EDGE_PX <= source_shape[0] - (region.y1 - y)):
        return None
    return planes_over(whole, region, layout)


def _levels(level: Levels, settings: CutoutSettings) -> tuple[Levels, ...]:
    """The opacity of all planes of a picture with that of its first one."""
    steps = [sample_spacing(settings.layout, index) for index in range(settings.layout.planes)]
    reduced = {step: sample_at_chroma(level, step, settings.chroma_location) for step in set(steps)}
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
