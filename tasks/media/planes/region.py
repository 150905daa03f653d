"""A part of a picture in whole pixels, and the planes over it."""

from collections.abc import Sequence
from typing import NamedTuple

from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.layout import PixelLayout, Plane, Planes


class Region(NamedTuple):
    """A part of a picture, beyond which it may reach: columns x0 to x1 - 1, rows y0 to y1 - 1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def size_px(self) -> tuple[int, int]:
        return self.x1 - self.x0, self.y1 - self.y0

    @property
    def empty(self) -> bool:
        return self.x1 <= self.x0 or self.y1 <= self.y0


def planes_over(planes: Sequence[Plane], region: Region, layout: PixelLayout) -> Planes:
    """Views of a picture's planes over a region in it, whose first column and row are even."""
    parts = []
    for index, plane in enumerate(planes):
        step_x, step_y = sample_spacing(layout, index)
        columns, rows = layout.plane_wh(index, region.size_px)
        parts.append(plane[region.y0 // step_y :, region.x0 // step_x :][:rows, :columns])
    return tuple(parts)
