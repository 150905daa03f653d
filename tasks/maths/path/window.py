"""The window: the part of the stabilized picture that is shown.

It has a given size or aspect, or is the largest one without a border, or is a canvas that holds every frame completely.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Final, Protocol

import numpy as np

from tasks.errors import SettingError
from tasks.maths.arrays import Floats
from tasks.maths.path import affine, framing
from tasks.maths.path.framing import Size
from tasks.maths.path.outline import outline_px

SMALLEST_SIDE_PX: Final = 16
LARGEST_SIDE_PX: Final = 16384  # what H.264 can carry
COVER_TOLERANCE_PX: Final = 1e-3


class CropModeName(Protocol):
    """The name of a crop mode."""

    @property
    def value(self) -> Any: ...


class CropSettings(Protocol):
    """The settings of a crop."""

    @property
    def mode(self) -> CropModeName: ...
    @property
    def size(self) -> list[int] | None: ...
    @property
    def aspect(self) -> str | None: ...
    @property
    def window(self) -> list[int] | None: ...


@dataclass(frozen=True)
class CropWindow:
    """A part of the stabilized picture in whole pixels; it may reach beyond the picture."""

    x: int
    y: int
    width: int
    height: int

    @property
    def size_px(self) -> Size:
        return self.width, self.height

    @property
    def corner_px(self) -> Floats:
        return np.array([self.x, self.y], np.float64)


def stabilized_size(source_px: Size, crop: CropSettings, pixel_aspect: float = 1.0) -> Size:
    """Size of the stabilized picture: that of the window that follows the subject, or the source's.

    ``SettingError`` with the largest possible window if the requested one is larger than the source.
    """
    if crop.aspect is not None:
        return size_of_aspect(source_px, crop.aspect, pixel_aspect)
    size_px = framing.output_size(source_px, crop.size)
    if crop.window is not None:
        _check_fixed(crop.window, size_px)
    return size_px


def size_of_aspect(source_px: Size, aspect: str, pixel_aspect: float = 1.0) -> Size:
    """The largest size within the source, in even numbers, that is displayed in ``aspect``, such as ``9:16``."""
    across, down = (Fraction(part) for part in aspect.split(":"))
    ratio = float(across / down) / pixel_aspect
    width = min(source_px[0], source_px[1] * ratio)
    even = tuple(int(length / 2 + COVER_TOLERANCE_PX) * 2 for length in (width, width / ratio))
    if min(even) < SMALLEST_SIDE_PX:
        fact = f"{aspect} of a picture of {source_px[0]}x{source_px[1]} is only {even[0]}x{even[1]}"
        raise SettingError(f"crop.aspect: {fact}; give an aspect nearer to the picture's")
    return even[0], even[1]


def choose_window(
    crop: CropSettings,
    to_output: Floats,
    source_px: Size,
    size_px: Size,
    target_xy: Floats,
    shared_px: Size | None = None,
) -> CropWindow:
    """The window that ``crop`` asks for in a stabilized picture of ``size_px``.

    ``to_output`` (n, 2, 3) maps the source to that picture, and the subject to ``target_xy``. ``shared_px`` is the size
    of an auto crop that several clips share. ``SettingError`` if the clip does not allow the window.
    """
    match crop.mode.value:
        case "fixed" if crop.window is not None:
            return CropWindow(*crop.window)
        case "auto" if shared_px is not None:
            return covered_window(to_output, source_px, shared_px, target_xy)
        case "auto":
            return largest_covered_window(to_output, source_px, target_xy)
        case "expand":
            return canvas_around_all(to_output, source_px)
    return CropWindow(0, 0, *size_px)


def largest_covered_window(to_output: Floats, source_px: Size, target_xy: Floats) -> CropWindow:
    """The largest window in the source's aspect ratio, in even numbers, that every frame covers.

    Of equally large windows, the one that shows ``target_xy`` closest to where the whole picture does.
    """
    from scipy.optimize import linprog  # loaded here: slow to load, and few runs need it

    normals, limits = _half_planes(to_output, source_px)
    ratio = source_px[1] / source_px[0]
    reach = np.maximum(normals, 0) @ np.array([1.0, (source_px[1] - 1) / (source_px[0] - 1)])
    best = linprog(
        [0, 0, -1], np.column_stack([normals, reach]), limits, bounds=[(None, None), (None, None), (0, None)]
    )
    width = int((best.x[2] + 1) / 2 + COVER_TOLERANCE_PX) * 2 if best.success else 0
    while min(width, width * ratio) >= SMALLEST_SIDE_PX:
        size_px = np.array([width, int(width * ratio / 2 + COVER_TOLERANCE_PX) * 2])
        place = _place(normals, limits, size_px, (target_xy + 0.5) * (1 - size_px / source_px))
        if place is not None:
            return CropWindow(*place, int(size_px[0]), int(size_px[1]))
        width -= 2
    fact = f"no window of {SMALLEST_SIDE_PX} pixels or more is covered by every frame"
    raise SettingError(f"crop: auto: {fact}; choose crop=follow with crop.aspect or crop.size, or a lower lock.x")


def covered_window(to_output: Floats, source_px: Size, size_px: Size, target_xy: Floats) -> CropWindow:
    """A window of ``size_px`` that every frame covers, placed like the largest one; ``SettingError`` if none is."""
    normals, limits = _half_planes(to_output, source_px)
    shown = np.array(size_px)
    place = _place(normals, limits, shown, (target_xy + 0.5) * (1 - shown / source_px))
    if place is None:
        largest = "x".join(str(length) for length in largest_covered_window(to_output, source_px, target_xy).size_px)
        fact = f"{size_px[0]}x{size_px[1]} is not covered by every frame"
        raise SettingError(f"crop: auto: {fact}; the largest covered window is {largest}")
    return CropWindow(*place, *size_px)


def canvas_around_all(to_output: Floats, source_px: Size) -> CropWindow:
    """The smallest canvas, in even numbers, that holds every frame completely; ``SettingError`` if it is too large."""
    corners = affine.apply(to_output[:, None], outline_px(source_px)[None]).reshape(-1, 2)
    first = np.floor(corners.min(axis=0) + 0.5 + COVER_TOLERANCE_PX).astype(int)
    last = np.ceil(corners.max(axis=0) - 0.5 - COVER_TOLERANCE_PX).astype(int)
    width, height = (int(length) + int(length) % 2 for length in last - first + 1)
    if max(width, height) > LARGEST_SIDE_PX:
        fact = f"the canvas would be {width}x{height}"
        raise SettingError(f"crop: expand: {fact}; the largest possible is {LARGEST_SIDE_PX} pixels a side")
    return CropWindow(int(first[0]), int(first[1]), width, height)


def _half_planes(to_output: Floats, source_px: Size) -> tuple[Floats, Floats]:
    """``normals`` (m, 2) and ``limits`` (m,): every frame covers a pixel p where normals @ p <= limits."""
    inverse = affine.invert(to_output)
    last = np.array(source_px) - 1.0
    low = np.concatenate([-inverse[..., :2], inverse[..., 2:]], axis=-1)
    high = np.concatenate([inverse[..., :2], last[:, None] - inverse[..., 2:]], axis=-1)
    rows = np.concatenate([low, high]).reshape(-1, 3)
    normals, which = np.unique(rows[:, :2], axis=0, return_inverse=True)
    limits = np.full(len(normals), np.inf)
    np.minimum.at(limits, which.ravel(), rows[:, 2])
    return normals, limits


def _place(normals: Floats, limits: Floats, size_px: Floats, wanted_xy: Floats) -> tuple[int, int] | None:
    """Whole pixels for the corner of a window of ``size_px`` near ``wanted_xy``; None if it does not fit."""
    from scipy.optimize import linprog

    room = limits - np.maximum(normals, 0) @ (size_px - 1.0) + COVER_TOLERANCE_PX
    nothing = np.zeros_like(normals)
    unit = np.eye(2)
    near = linprog(  # x, y, and their distances to the wanted position
        [0, 0, 1, 1],
        np.vstack([np.hstack([normals, nothing]), np.hstack([unit, -unit]), np.hstack([-unit, -unit])]),
        np.concatenate([room, wanted_xy, -wanted_xy]),
        bounds=[(None, None)] * 4,
    )
    if not near.success:
        return None
    x, y = near.x[:2]
    columns, rows = ({int(np.floor(at)), int(np.ceil(at))} for at in (x, y))
    options = sorted(product(columns, rows))
    fitting = [option for option in options if (normals @ np.array(option, np.float64) <= room).all()]
    return min(fitting, key=lambda option: float(np.abs(option - wanted_xy).sum()), default=None)


def _check_fixed(window: Sequence[int], size_px: Size) -> None:
    """``SettingError`` with the largest possible window if a fixed one reaches beyond the picture."""
    x, y, width, height = window
    fine = x >= 0 and y >= 0 and x + width <= size_px[0] and y + height <= size_px[1]
    if not fine:
        largest = f"[{max(x, 0)},{max(y, 0)},{size_px[0] - max(x, 0)},{size_px[1] - max(y, 0)}]"
        if x >= size_px[0] or y >= size_px[1]:
            largest = f"[0,0,{size_px[0]},{size_px[1]}]"
        fact = f"{list(window)} reaches beyond the picture of {size_px[0]}x{size_px[1]}"
        raise SettingError(f"crop.window: {fact}; the largest possible is {largest}")
