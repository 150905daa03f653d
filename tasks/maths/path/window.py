"""The window: the part of the stabilized picture that is shown.

It has a given size or aspect, or is the largest one without a border, or is a canvas that holds every frame completely.
It is scaled to the size of the output where one is given.
"""

from collections.abc import Callable, Sequence
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

SMALLEST_SIDE_PX: Final = 16  # of a window; the settings have the same limits (MIN_SIDE_PX in conf/lock.py)
LARGEST_SIDE_PX: Final = 16384  # what H.264 can carry
COVER_TOLERANCE_PX: Final = 1e-3  # by which rounding may let a window reach beyond a frame
LEAST_SCALED_PX: Final = 6  # a window that is larger than the output by less is cut to its size, and not resampled
SCAN_STEP: Final = 0.95  # from one size that is looked at to the next
BISECTIONS: Final = 16  # of a step: to a millionth of the size

Extent = tuple[float, float]  # width and height of a part of the stabilized picture


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
    @property
    def output(self) -> Any: ...


@dataclass(frozen=True)
class CropWindow:
    """A part of the stabilized picture and the output that it is scaled to; it may reach beyond the picture.

    Without a zoom it has the output's size and lies in whole pixels.
    """

    x: float
    y: float
    width: int  # of the output
    height: int
    zoom: float = 1.0  # output pixels a pixel

    @property
    def size_px(self) -> Size:
        """Size of the output."""
        return self.width, self.height

    @property
    def shown_px(self) -> Extent:
        """Size in the stabilized picture."""
        return self.width / self.zoom, self.height / self.zoom

    @property
    def corner_px(self) -> Floats:
        return np.array([self.x, self.y], np.float64)

    def enlarged(self, to_window: Floats) -> Floats:
        """``to_window`` (..., 2, 3), which ends in pixels from the window's corner, continued to the output."""
        if self.zoom == 1:
            return to_window
        scaling = affine.scale_and_turn(self.zoom, 0.0)
        return affine.compose(np.column_stack([scaling, [(self.zoom - 1) / 2] * 2]), to_window)

    def point(self, place_xy: Floats) -> Floats:
        """Output pixels of ``place_xy`` (..., 2), in pixels from the window's corner."""
        return affine.apply(self.enlarged(affine.translation(np.zeros(2))), place_xy)


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


def zoom_to(shown_px: Extent, output_px: Extent) -> float:
    """Zoom at which the largest part of ``shown_px`` that has the output's shape fills the output."""
    return max(output_px[0] / shown_px[0], output_px[1] / shown_px[1])


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
            x, y, width, height = crop.window
            output_px = (width, height) if crop.output is None else (crop.output[0], crop.output[1])
            return CropWindow(x, y, output_px[0], output_px[1], zoom_to((width, height), output_px))
        case "auto" if crop.output is not None:
            return largest_window_of_shape(to_output, source_px, (crop.output[0], crop.output[1]), target_xy)
        case "expand" if crop.output is not None:
            return canvas_of_shape(to_output, source_px, (crop.output[0], crop.output[1]))
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
    raise _nothing_covered()


def largest_window_of_shape(to_output: Floats, source_px: Size, output_px: Size, target_xy: Floats) -> CropWindow:
    """The largest window in the shape of ``output_px`` that every frame covers, scaled to that size.

    Of equally large windows, the one that shows ``target_xy`` closest to where the whole picture does.
    """
    from scipy.optimize import linprog

    normals, limits = _half_planes(to_output, source_px)
    ratio, below = output_px[1] / output_px[0], np.maximum(normals, 0)
    best = linprog(  # x, y and width - 1, with height - 1 = ratio * (width - 1) + ratio - 1
        [0, 0, -1],
        np.column_stack([normals, below @ np.array([1.0, ratio])]),
        limits - below[:, 1] * (ratio - 1),
        bounds=[(None, None), (None, None), (0, None)],
    )
    width = float(best.x[2]) + 1 if best.success else 0.0
    if min(width, width * ratio) < SMALLEST_SIDE_PX:
        raise _nothing_covered()
    zoom = output_px[0] / width
    shown = np.array(output_px, np.float64)
    wanted_xy = (target_xy + 0.5) * (1 - shown / source_px)
    if abs(width - output_px[0]) < LEAST_SCALED_PX and (whole := _place(normals, limits, shown, wanted_xy)) is not None:
        return CropWindow(*whole, *output_px)
    shown /= zoom
    place = _nearest(normals, _room(normals, limits, shown), (target_xy + 0.5) * (1 - shown / source_px))
    if place is None:
        raise _nothing_covered()
    return CropWindow(float(place[0]), float(place[1]), *output_px, zoom)


def _nothing_covered() -> SettingError:
    fact = f"no window of {SMALLEST_SIDE_PX} pixels or more is covered by every frame"
    return SettingError(f"crop: auto: {fact}; choose crop=follow with crop.aspect or crop.size, or a lower lock.x")


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
    canvas = _canvas(to_output, source_px)
    if max(canvas.size_px) > LARGEST_SIDE_PX:
        fact = f"the canvas would be {canvas.width}x{canvas.height}"
        raise SettingError(f"crop: expand: {fact}; the largest possible is {LARGEST_SIDE_PX} pixels a side")
    return canvas


def canvas_of_shape(to_output: Floats, source_px: Size, output_px: Size) -> CropWindow:
    """The smallest canvas in the shape of ``output_px`` that holds every frame completely, scaled to that size.

    The canvas around all frames is in its middle.
    """
    canvas = _canvas(to_output, source_px)
    zoom = min(output_px[0] / canvas.width, output_px[1] / canvas.height)
    spare = np.array(output_px) / zoom - canvas.size_px
    x, y = canvas.corner_px - (np.floor(spare / 2) if zoom == 1 else spare / 2)
    return CropWindow(float(x), float(y), *output_px, zoom)


def _canvas(to_output: Floats, source_px: Size) -> CropWindow:
    """The smallest canvas, in even numbers, that holds every frame completely."""
    corners = affine.apply(to_output[:, None], outline_px(source_px)[None]).reshape(-1, 2)
    first = np.floor(corners.min(axis=0) + 0.5 + COVER_TOLERANCE_PX).astype(int)
    last = np.ceil(corners.max(axis=0) - 0.5 - COVER_TOLERANCE_PX).astype(int)
    width, height = (int(length) + int(length) % 2 for length in last - first + 1)
    return CropWindow(int(first[0]), int(first[1]), width, height)


def largest_share(own_at: Callable[[float], float], keep: float, least: float) -> float | None:
    """The largest part of 1, at least ``least``, at which ``own_at`` is ``keep`` or more; None if it is nowhere.

    ``own_at`` grows as the part shrinks, except where the subject's place lies outside the picture. So it is looked at
    in steps from 1 down, and the step in which it passes ``keep`` is bisected.
    """
    if own_at(1.0) >= keep:
        return 1.0
    above = 1.0
    while above > least:
        part = max(above * SCAN_STEP, least)
        if own_at(part) >= keep:
            for _ in range(BISECTIONS):
                middle = (above + part) / 2
                above, part = (above, middle) if own_at(middle) >= keep else (middle, part)
            return part
        above = part
    return None


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
    room = _room(normals, limits, size_px)
    near = _nearest(normals, room, wanted_xy)
    if near is None:
        return None
    columns, rows = ({int(np.floor(at)), int(np.ceil(at))} for at in near)
    options = sorted(product(columns, rows))
    fitting = [option for option in options if (normals @ np.array(option, np.float64) <= room).all()]
    return min(fitting, key=lambda option: float(np.abs(option - wanted_xy).sum()), default=None)


def _room(normals: Floats, limits: Floats, size_px: Floats) -> Floats:
    """``limits`` for the corner of a window of ``size_px``."""
    return np.asarray(limits - np.maximum(normals, 0) @ (size_px - 1.0) + COVER_TOLERANCE_PX)


def _nearest(normals: Floats, room: Floats, wanted_xy: Floats) -> Floats | None:
    """The point (2,) nearest to ``wanted_xy`` with normals @ point <= room; None if there is none."""
    from scipy.optimize import linprog

    nothing = np.zeros_like(normals)
    unit = np.eye(2)
    near = linprog(  # x, y, and their distances to the wanted position
        [0, 0, 1, 1],
        np.vstack([np.hstack([normals, nothing]), np.hstack([unit, -unit]), np.hstack([-unit, -unit])]),
        np.concatenate([room, wanted_xy, -wanted_xy]),
        bounds=[(None, None)] * 4,
    )
    return np.asarray(near.x[:2]) if near.success else None


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
