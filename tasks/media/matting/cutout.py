"""Cut a person out of each picture by the mask, move the cutout, and set it before another background."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
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
from tasks.media.matting.plate_matte import Compared, PlateMatte
from tasks.media.planes.borders import masked_blur, sigma_in_samples
from tasks.media.planes.chroma import sample_at_chroma, sample_spacing
from tasks.media.planes.compose import MIN_VISIBLE_ALPHA, alpha_composite, composite_foreground, solid_planes
from tasks.media.planes.crop import box_to_source
from tasks.media.planes.layout import Alpha, PixelLayout, Plane, Planes
from tasks.media.planes.warp import Region, source_coverage, warp_planes
from tasks.media.scene.clean_part import CleanPart, part_of
from tasks.media.scene.plate import Box

Floats = NDArray[np.float64]
CleanView = Callable[[Box], CleanPart | None]  # the background of a frame over a box of it

LEAST_LEVEL: Final = 20  # of 255; lower probabilities count as nothing
HALF: Final = 0.5  # opacity from which a pixel counts as the person's
UNDONE_SHARE: Final = 0.02  # of the part's height: how far the mask's edge may lie from the one that was decided
BOX_MARGIN: Final = 0.05  # of the person's height: of the part that is compared with the plate

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
    behind: Planes | None = None  # the old background, where it is known
    unmixed: bool = False  # whether the planes show the person's own colours only, without the old background


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


@dataclass(frozen=True)
class Shown:
    """A frame with its person's mask, as the cutter takes it."""

    planes: Planes
    mask: Mask
    to_output: Floats  # (2, 3)
    anchor_xy: Floats  # (2,) in source px
    clean: CleanView | None = None


@dataclass(frozen=True)
class _Looked:
    """A frame that was compared with its plate."""

    shown: Shown
    part: CleanPart
    compared: Compared


class PersonCutter:
    """Cuts the person out of the frames of one clip."""

    def __init__(self, settings: CutoutSettings) -> None:
        self._settings = settings
        self._matte = PlateMatte(settings.layout)

    def cut_all(self, frames: Iterable[Shown | None]) -> Iterator[tuple[Shown | None, Cutout | None]]:
        """Each frame with its person, moved to the output; None if no part lies in it. It reads one frame ahead.

        Picture and opacity are each resampled once, only around the person. Opacity is 0 outside the source picture.
        Where the background is known, the edge and its colours are told from it; else from the mask alone. A frame that
        is None has no person and no cutout.
        """
        looks = ((shown, None if shown is None else self._look(shown)) for shown in frames)
        before: _Looked | None = None
        now = next(looks, None)
        while now is not None:
            following = next(looks, None)
            shown, look = now
            if look is not None:
                yield shown, self._cut_by_plate(look, before, None if following is None else following[1])
            elif shown is not None:
                yield shown, _cut_by_mask(shown.planes, shown.mask, shown.to_output, self._settings)
            else:
                yield None, None
            before, now = look, following

    def _look(self, shown: Shown) -> _Looked | None:
        """What the frame shows against its plate; None where no plate is trusted."""
        planes, mask = shown.planes, shown.mask
        box = mask_box(mask, (planes[0].shape[1], planes[0].shape[0]))
        part = None if shown.clean is None or box is None else shown.clean(box)
        if part is None:
            return None
        to_box = affine.compose(affine.translation(-np.array(part.box[:2], np.float64)), mask_to_source(mask))
        prior = warp_mask(mask.probability, to_box, Region(0, 0, *part.box.size_px))
        picture = part_of(planes, part.box, self._settings.layout)
        return _Looked(shown, part, self._matte.compare(picture, part, prior))

    def _cut_by_plate(self, look: _Looked, before: _Looked | None, after: _Looked | None) -> Cutout | None:
        settings, layout, clean, shown = self._settings, self._settings.layout, look.part, look.shown
        corner = np.array(clean.box[:2], np.float64)
        picture = part_of(shown.planes, clean.box, layout)
        near = [
            (other.compared, shown.anchor_xy - other.shown.anchor_xy) for other in (before, after) if other is not None
        ]
        alpha = self._matte.alpha(picture, clean, look.compared, near)
        if not clean.seen.all():
            alpha = np.where(clean.seen, alpha, self._by_mask(shown, picture[0], clean.box, alpha))
        from_box = affine.compose(shown.to_output, affine.translation(corner))
        visible = np.asarray(cv2.inRange(alpha, MIN_VISIBLE_ALPHA, 2.0), np.uint8)
        region = mask_region(visible, from_box, settings.size_px, sample_spacing(layout, layout.planes - 1))
        if region.empty:
            return None
        to_region = affine.compose(affine.translation(-np.array([region.x0, region.y0], np.float64)), from_box)
        moved = np.asarray(cv2.warpAffine(alpha, to_region, region.size_px, flags=cv2.INTER_LINEAR), np.float32)
        behind = _moved(clean.planes, from_box, region, settings, border="replicate")
        planes = _moved(shown.planes, shown.to_output, region, settings)
        return Cutout(region, planes, _opacity(moved, settings), behind)

    def _by_mask(self, shown: Shown, luma: Plane, box: Box, decided: Alpha) -> Alpha:
        """Opacity over ``box`` by the mask alone, but for what it has or lacks against all that was ``decided``."""
        to_box = affine.compose(affine.translation(-np.array(box[:2], np.float64)), mask_to_source(shown.mask))
        edge = warp_mask(harden_mask(shown.mask.probability), to_box, Region(0, 0, *box.size_px))
        alpha = mask_to_alpha(_refined(edge, luma, self._settings))
        inside = (decided > HALF).view(np.uint8)
        around = np.ones([2 * max(round(UNDONE_SHARE * box.size_px[1]), 3) + 1] * 2, np.uint8)
        least, most = (grown.astype(np.float32) for grown in (cv2.erode(inside, around), cv2.dilate(inside, around)))
        return np.asarray(np.clip(alpha, least, most), np.float32)


def mask_box(mask: Mask, size_px: tuple[int, int]) -> Box | None:
    """The part of a picture of ``size_px`` around the person of ``mask``, with even corners; None if there is none."""
    x, y, across, down = cv2.boundingRect(cv2.compare(mask.probability, LEAST_LEVEL, cv2.CMP_GE))
    if across == 0:
        return None
    corners = np.array([[x - 0.5, y - 0.5], [x + across - 0.5, y + down - 0.5]])
    low, high = affine.apply(mask_to_source(mask), corners)
    margin = BOX_MARGIN * (high[1] - low[1])
    x0, y0 = (max(int((edge - margin) // 2) * 2, 0) for edge in low)
    x1, y1 = (min(-int(-(edge + margin) // 2) * 2, size) for edge, size in zip(high, size_px, strict=True))
    return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _cut_by_mask(planes: Planes, mask: Mask, to_output: Floats, settings: CutoutSettings) -> Cutout | None:
    mask_to_output = affine.compose(to_output, mask_to_source(mask))
    body = harden_mask(mask.probability)
    grid = sample_spacing(settings.layout, settings.layout.planes - 1)
    region = mask_region(body, mask_to_output, settings.size_px, grid)
    if region.empty:
        return None
    moved = _moved(planes, to_output, region, settings)
    edge = _refined(warp_mask(body, mask_to_output, region), moved[0], settings)
    rows, columns = planes[0].shape
    alpha = mask_to_alpha(edge) * source_coverage(to_output, (columns, rows), region)
    return Cutout(region, moved, _opacity(alpha, settings))


def _refined(edge: NDArray[np.uint8], luma: Plane, settings: CutoutSettings) -> NDArray[np.uint8]:
    """A hardened mask with its edge aligned with the picture's, if that is asked for."""
    return refine_edge(edge, (luma >> (settings.layout.depth - 8)).astype(np.uint8)) if settings.refine else edge


def whole_shares(somebody: NDArray[np.bool_], fade_frames: int) -> Floats:
    """How far (n,), 0..1, each frame shows the whole picture: 1 without ``somebody`` (n,), less over a few frames."""
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
    """The same for straight colours with their opacity ``alpha`` (h, w), 0..1; ``share`` is above 0."""
    mixed = []
    for index, (plane, its) in enumerate(zip(planes, whole, strict=True)):
        below = (1 - share) * sample_at_chroma(alpha, sample_spacing(layout, index), chroma_location)
        mixed.append(np.rint(its + below / (below + share) * (plane.astype(np.float32) - its)).astype(plane.dtype))
    return tuple(mixed), np.asarray(share + (1 - share) * alpha, np.float32)


def draw_cutout(cutout: Cutout, canvas: Planes, layout: PixelLayout, *, straight: bool = False) -> None:
    """Draw ``cutout`` into planes of the output. ``straight``: write its unmixed colours where alpha is not 0."""
    peak = (1 << layout.depth) - 1
    for index, (plane, opacity) in enumerate(zip(cutout.planes, cutout.opacity, strict=True)):
        window = cutout_window(canvas[index], cutout, sample_spacing(layout, index))
        if cutout.unmixed:
            if straight:
                np.copyto(window, plane, where=opacity >= MIN_VISIBLE_ALPHA)
            else:
                alpha_composite(window, plane, opacity)
            continue
        behind = None if cutout.behind is None else cutout.behind[index]
        composite_foreground(window, plane, opacity, peak, straight=straight, behind=behind)


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
