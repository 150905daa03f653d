"""Fill the border of a moved picture: with what other frames saw there, then with the mirror of the clean picture."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

import cv2
import numpy as np

from tasks.maths.arrays import Bytes, Floats
from tasks.maths.path import affine
from tasks.maths.scene.camera_path import CameraPath
from tasks.media.files.camera_file import read_camera
from tasks.media.files.masks_file import read_masks
from tasks.media.files.plates_file import PlateFile
from tasks.media.planes.chroma import sample_at_chroma, sample_spacing
from tasks.media.planes.layout import Alpha, PixelLayout, Plane, Planes, new_planes
from tasks.media.planes.region import Region
from tasks.media.planes.warp import source_coverage, warp_planes
from tasks.media.scene.clean_part import CleanPart, PlacedPlate, PlateFiller, clean_part, sparse_clean_part
from tasks.media.scene.extend import Extender
from tasks.media.scene.people_mask import scaling
from tasks.media.scene.plate import EDGE_STEP_PX, Plate

HELD_PLATES: Final = 3  # in memory: a frame needs two at most, and another output may still be at an earlier frame
CROSSFADE: Final = (0.3, 0.7)  # part of the time between two plates in which one fades into the next
TINY_PX: Final = 1 / 512  # a shift that moves no 8-bit edge by one level
FULL_COVERAGE: Final = 1 - 1e-6  # from which on a pixel shows the frame alone


class Origin(NamedTuple):
    """Where the pixels of an output picture come from, shares that sum to 1."""

    own: float
    seen: float  # taken from another frame that saw the place
    mirrored: float


class SceneBorder:
    """Fills the border of the frames of one clip; several threads may use it at a time.

    With ``beyond`` it shows what other frames saw, and the mirror only where none did; otherwise only the mirror of the
    frame without its people.
    """

    def __init__(
        self,
        path: CameraPath,
        plates: PlateFile,
        layout: PixelLayout,
        size_px: tuple[int, int],
        chroma_location: int,
        *,
        beyond: bool,
    ) -> None:
        self._path, self._plates, self._layout, self._size_px = path, plates, layout, size_px
        self._sited, self._beyond = chroma_location, beyond
        self._extender = Extender(layout, size_px, chroma_location)
        self._frames: dict[int, list[int]] = {}
        for at in plates.frames:
            self._frames.setdefault(int(path.group[at]), []).append(at)
        self._held: OrderedDict[int, Plate] = OrderedDict()
        self._last: _Filled | None = None
        self._lock = Lock()

    def fill(
        self,
        frame: int,
        planes: Sequence[Plane],
        hidden: Bytes,
        to_output: Floats,
        output_px: tuple[int, int],
        own: float,
        interpolation: str,
    ) -> tuple[Planes, Origin]:
        """The output of ``output_px`` that shows a frame and what lies beyond it, and where its pixels come from.

        ``planes`` is the source picture, which ``to_output`` (2, 3) brings there; it covers the share ``own`` of the
        output. ``hidden`` (h, w), of any size, is 255 where people are in it. What the source covers is as
        ``warp_planes`` makes it; where that is all, the planes may be views of ``planes``.
        """
        hole = _hole(to_output, own, self._size_px, output_px)
        if not hole.parts:
            return self._moved(planes, to_output, hole.covered, interpolation), Origin(1.0, 0.0, 0.0)
        placed = self._placed(frame)
        extended = self._extender.extend(frame, planes, hidden, placed, to_output, output_px, beyond=self._beyond)
        canvas = new_planes(self._layout, output_px)
        if not hole.covered.empty:
            self._write(canvas, self._moved(planes, to_output, hole.covered, interpolation), hole.covered, None)
        from_box = affine.compose(to_output, affine.translation(np.array(extended.box[:2], np.float64)))
        for part in hole.parts:
            self._write(canvas, self._moved(extended.planes, from_box, part, interpolation), part, hole.share)
        return canvas, self._origin(hole, placed, to_output, output_px)

    def _moved(self, planes: Sequence[Plane], to_output: Floats, part: Region, interpolation: str) -> Planes:
        """A ``part`` of the output that shows ``planes``, mirrored beyond their edges."""
        to_part = affine.compose(affine.translation(-np.array([part.x0, part.y0], np.float64)), to_output)
        moves = (self._layout, to_part, part.size_px)
        return warp_planes(planes, *moves, chroma_location=self._sited, interpolation=interpolation, border="reflect")

    def clean_part(
        self, frame: int, planes: Sequence[Plane], hidden: Bytes, box: Region, step_px: int = 1
    ) -> CleanPart | None:
        """The background of a frame over ``box``, which lies in it; None where no plate is trusted.

        ``planes`` and ``hidden`` are as in ``fill``. Only every ``step_px``-th pixel is shown: 1 or an even number.
        """
        with self._lock:
            last = self._last
        if last is None or last.frame != frame:  # each frame is asked for twice: coarsely, then in detail
            placed, filler = self._placed(frame), None
            if placed and all(one.plate.trusted for one in placed):
                around = self._extender.box(placed) if self._beyond else Region(0, 0, *self._size_px)
                filler = self._extender.filler(frame, planes, hidden, placed, around, parallax=False)
            last = _Filled(frame, placed, filler)
            with self._lock:
                self._last = last
        if last.filler is None:
            return None
        if step_px == 1:
            return clean_part(last.filler, last.placed, box)
        return sparse_clean_part(last.filler, last.placed, box, step_px)

    def _write(self, canvas: Planes, filled: Planes, part: Region, share: Alpha | None) -> None:
        """Put ``filled`` into a ``part`` of the canvas; with ``share`` (h, w) only where the frame covers less."""
        for index, (plane, values) in enumerate(zip(canvas, filled, strict=True)):
            step_x, step_y = sample_spacing(self._layout, index)
            rows, columns = values.shape
            window = np.s_[
                part.y0 // step_y : part.y0 // step_y + rows, part.x0 // step_x : part.x0 // step_x + columns
            ]
            if share is None:
                plane[window] = values
            else:
                covered = sample_at_chroma(share, (step_x, step_y), self._sited)
                np.copyto(plane[window], values, where=covered[window] < FULL_COVERAGE)

    def _placed(self, frame: int) -> list[PlacedPlate]:
        """The plates that fill a frame, with weights that pass from one to the next over time."""
        frames = self._frames.get(int(self._path.group[frame]), [])
        at = bisect_right(frames, frame)
        if not frames:
            return []
        if at == 0 or at == len(frames):
            return self._weighted(frame, {frames[max(at - 1, 0)]: 1.0})
        before, after = frames[at - 1], frames[at]
        way = (frame - before) / (after - before)
        weight = float(np.clip((way - CROSSFADE[0]) / (CROSSFADE[1] - CROSSFADE[0]), 0, 1))
        return self._weighted(frame, {before: 1 - weight, after: weight})

    def _weighted(self, frame: int, weights: dict[int, float]) -> list[PlacedPlate]:
        placed = []
        for at, weight in weights.items():
            matrix = self._path.between(at, frame)
            if weight > 0 and matrix is not None:
                placed.append(PlacedPlate(self._plate(at), matrix, weight))
        return placed

    def _plate(self, frame: int) -> Plate:
        with self._lock:
            plate = self._held.pop(frame, None) or self._plates.read(frame)
            self._held[frame] = plate
            if len(self._held) > HELD_PLATES:
                self._held.popitem(last=False)
            return plate

    def seen_share(self, frame: int, to_output: Floats, output_px: tuple[int, int]) -> Alpha:
        """How far (h, w) places of the output beyond the frame show what another frame saw: 1 whole, 0 not at all.

        ``EDGE_STEP_PX`` times smaller than the output.
        """
        small_px = (-(-output_px[0] // EDGE_STEP_PX), -(-output_px[1] // EDGE_STEP_PX))
        to_small = affine.compose(scaling(output_px, small_px), to_output)
        return self._beyond_own(self._placed(frame), to_small, small_px)

    def _origin(
        self, hole: "_Hole", placed: Sequence[PlacedPlate], to_output: Floats, output_px: tuple[int, int]
    ) -> Origin:
        if not self._beyond or not placed:
            return Origin(hole.own, 0.0, 1 - hole.own)
        small_px = (-(-output_px[0] // EDGE_STEP_PX), -(-output_px[1] // EDGE_STEP_PX))
        to_small = affine.compose(scaling(output_px, small_px), to_output)
        seen = self._beyond_own(placed, to_small, small_px)
        elsewhere = min(float(seen.mean()), 1 - hole.own)
        return Origin(hole.own, elsewhere, 1 - hole.own - elsewhere)

    def _beyond_own(self, placed: Sequence[PlacedPlate], to_small: Floats, small_px: tuple[int, int]) -> Alpha:
        seen, box = np.zeros(small_px[::-1], np.float32), self._extender.box(placed)
        if box == (0, 0, *self._size_px):
            return seen
        for one in placed:
            matrix = affine.compose(to_small, one.from_seen)
            seen += np.float32(one.weight / 255) * cv2.warpAffine(one.plate.seen, matrix, small_px)
        whole = Region(0, 0, *small_px)
        from_box = affine.compose(to_small, affine.translation(np.array(box[:2], np.float64)))
        own = source_coverage(to_small, self._size_px, whole)
        return np.asarray((1 - own) * seen * source_coverage(from_box, box.size_px, whole))


class _Filled(NamedTuple):
    """How a frame is filled; ``filler`` is None where no plate is trusted."""

    frame: int
    placed: list[PlacedPlate]
    filler: PlateFiller | None


class _Hole(NamedTuple):
    """The part of the output that a moved picture does not cover."""

    parts: list[Region]  # with even corners; together they hold all of it
    covered: Region  # the rest, or with ``share`` the whole output
    own: float  # share of the output that the picture covers
    share: Alpha | None  # (h, w) that each pixel is covered; None where no pixel of the parts is covered whole


def _hole(to_output: Floats, own: float, source_px: tuple[int, int], output_px: tuple[int, int]) -> _Hole:
    if to_output[0, 1] == 0 and to_output[1, 0] == 0 and to_output[0, 0] > 0 and to_output[1, 1] > 0:
        last = np.array(source_px, np.float64) - 1
        first_xy, last_xy = affine.apply(to_output, np.stack([np.zeros(2), last]))
        wide, high = output_px
        left, top = (
            int(np.clip(2 * np.ceil((at - TINY_PX) / 2), 0, size)) for at, size in zip(first_xy, output_px, strict=True)
        )
        right, bottom = (
            size if at >= size - 1 - TINY_PX else max(int(np.floor((at + 1 + TINY_PX) / 2)) * 2, 0)
            for at, size in zip(last_xy, output_px, strict=True)
        )
        if left >= right or top >= bottom:
            return _Hole([Region(0, 0, wide, high)], Region(0, 0, 0, 0), own, None)
        parts = [
            Region(0, 0, wide, top),
            Region(0, bottom, wide, high),
            Region(0, top, left, bottom),
            Region(right, top, wide, bottom),
        ]
        return _Hole([part for part in parts if not part.empty], Region(left, top, right, bottom), own, None)
    region = Region(0, 0, *output_px)
    share = source_coverage(to_output, source_px, region)
    return _Hole([region] if share.min() < FULL_COVERAGE else [], region, own, share)


@dataclass(frozen=True)
class SceneFiles:
    """The clean plates of a clip of ``size_px``, and where people hide the background."""

    plates: Path
    hidden: Path
    camera: Path
    layout: PixelLayout
    size_px: tuple[int, int]
    chroma_location: int

    def hidden_people(self) -> Iterator[Bytes]:
        """For each frame in order (h, w), small: 255 where people hide the background."""
        for mask in read_masks(self.hidden):
            yield mask.probability

    @cached_property
    def continued(self) -> SceneBorder:
        """The border that shows what other frames saw, then the mirror of the clean picture."""
        return self._border(beyond=True)

    @cached_property
    def mirrored(self) -> SceneBorder:
        """The border that shows the mirror of the clean picture."""
        return self._border(beyond=False)

    def _border(self, *, beyond: bool) -> SceneBorder:
        path, _ = read_camera(self.camera)
        plates = PlateFile(self.plates, self.size_px)
        return SceneBorder(path, plates, self.layout, self.size_px, self.chroma_location, beyond=beyond)
