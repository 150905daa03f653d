"""A part of a frame without its people: what the clean plates show there, as bright as the frame is."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.layout import PixelLayout, Plane, Planes
from tasks.media.scene.extend import PlacedPlate, PlateFiller
from tasks.media.scene.people_mask import scaling
from tasks.media.scene.plate import Box

SEEN_SHARE: Final = 0.95  # of a place that the frames of each plate saw, from which it is the background there


class CleanPart(NamedTuple):
    """The background of a frame over ``box``."""

    box: Box  # with even corners, except at the picture's right and lower edges
    planes: Planes
    seen: NDArray[np.bool_]  # (h, w) in luma pixels: where a frame saw the place; elsewhere the planes are a guess


def clean_part(filler: PlateFiller, plates: Sequence[PlacedPlate], box: Box) -> CleanPart:
    """The background of a frame over ``box``, which lies in it: what its ``plates`` show, by their ``filler``."""
    return CleanPart(box, tuple(filler.values(box)), _seen(plates, box))


def part_of(planes: Sequence[Plane], box: Box, layout: PixelLayout) -> Planes:
    """Views of a frame's planes over ``box``."""
    parts = []
    for index, plane in enumerate(planes):
        step_x, step_y = sample_spacing(layout, index)
        columns, rows = layout.plane_wh(index, box.size_px)
        parts.append(plane[box.y0 // step_y :, box.x0 // step_x :][:rows, :columns])
    return tuple(parts)


def _seen(plates: Sequence[PlacedPlate], box: Box) -> NDArray[np.bool_]:
    seen = np.full(box.size_px[::-1], 255, np.uint8)
    to_box = affine.translation(-np.array(box[:2], np.float64))
    for placed in plates:
        around, (rows, columns) = placed.plate.box, placed.plate.seen.shape
        from_seen = affine.invert(scaling(around.size_px, (columns, rows)))
        in_frame = affine.compose(affine.translation(np.array(around[:2], np.float64)), from_seen)
        matrix = affine.compose(to_box, affine.compose(placed.matrix, in_frame))
        cv2.min(seen, cv2.warpAffine(placed.plate.seen, matrix, box.size_px), dst=seen)
    return np.asarray(seen > SEEN_SHARE * 255)
