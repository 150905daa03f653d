"""Framing: the target in the output, the size of the output, and the area that the source covers."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from tasks.errors import SettingError
from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.maths.path.outline import outline_px
from tasks.records import TARGET_WORDS

Size = tuple[int, int]


def output_size(source_size_px: Size, crop_size_px: Sequence[int] | None) -> Size:
    """Size of the output: the crop's, or the source's if there is no crop.

    ``SettingError`` with the largest possible crop if it is wider or higher than the source.
    """
    if crop_size_px is None:
        return source_size_px
    width, height = crop_size_px
    if width > source_size_px[0] or height > source_size_px[1]:
        largest = f"[{source_size_px[0]},{source_size_px[1]}]"
        fact = f"{width}x{height} is larger than the picture of {source_size_px[0]}x{source_size_px[1]}"
        raise SettingError(f"crop.size: {fact}; the largest possible is {largest}")
    return int(width), int(height)


def resolve_target(target: Any, output_size_px: Size) -> tuple[float, float]:
    """The target ``(x, y)`` of the output in pixels.

    A word is the picture's centre, from which ``auto`` and ``natural`` start; see ``resolve_point`` for a pair.
    ``SettingError`` as there, and for anything else.
    """
    width, height = output_size_px
    if isinstance(target, str) and target in TARGET_WORDS:
        return (width - 1) / 2, (height - 1) / 2
    cure = f"give {', '.join(TARGET_WORDS)}, {_point_forms(output_size_px)}"
    return resolve_point("target", _require_pair(target, cure), output_size_px, "output")


def resolve_point(setting: str, pair: Sequence[float], size_px: Size, what: str) -> tuple[float, float]:
    """The point ``(x, y)`` in pixels that ``setting`` names in a picture of ``size_px``; ``what`` names the picture.

    If both numbers are in 0..1 they are fractions of width and height. Fraction f is ``f * width - 0.5``, so 0 and 1
    are the outer edges. Otherwise they are pixels. One number strictly between 0 and 1 and one above 1 mix both:
    ``SettingError``, as for a point outside.
    """
    (x, y), (width, height) = pair, size_px
    if 0 <= x <= 1 and 0 <= y <= 1:
        return x * width - 0.5, y * height - 0.5
    if any(0 < part < 1 for part in (x, y)):
        raise SettingError(f"{setting}: [{x:g},{y:g}] mixes a fraction with pixels; give {_point_forms(size_px)}")
    if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        fact = f"[{x:g},{y:g}] lies outside the {what} of {width}x{height}"
        raise SettingError(f"{setting}: {fact}; give {_point_forms(size_px)}")
    return float(x), float(y)


def _point_forms(size_px: Size) -> str:
    """The forms of a point that a user can type."""
    return f"pixels within [0,0] and [{size_px[0] - 1},{size_px[1] - 1}], or fractions such as [0.5,0.6]"


def _require_pair(target: Any, cure: str) -> tuple[float, float]:
    """``target`` as a pair of finite numbers; ``SettingError`` with ``cure`` otherwise."""
    listed = not isinstance(target, str) and isinstance(target, Sequence) and len(target) == 2
    fine = listed and all(isinstance(part, Real) and not isinstance(part, bool) for part in target)
    if not fine or not all(math.isfinite(part) for part in target):
        raise SettingError(f"target: {target!r} is not a point; {cure}")
    return float(target[0]), float(target[1])


def visible_area(to_output: Floats, source_size_px: Size, output_size_px: tuple[float, float]) -> Floats:
    """Exact share (n,) of the output's area that shows the source, for matrices source -> output (n, 2, 3)."""
    corners = outline_px(source_size_px)
    shares = np.empty(len(to_output))
    for start in range(0, len(to_output), 4096):  # bounds the memory of the clipped polygons
        some = to_output[start : start + 4096]
        polygon = affine.apply(some[:, None], corners[None])
        for axis, size in enumerate(output_size_px):
            polygon = _clip(polygon, axis, -0.5, 1.0)
            polygon = _clip(polygon, axis, size - 0.5, -1.0)
        shares[start : start + 4096] = _area(polygon)
    covered: Floats = shares / (output_size_px[0] * output_size_px[1])
    return np.clip(covered, 0.0, 1.0)  # removes rounding errors


def _clip(polygon: Floats, axis: int, limit: float, sign: float) -> Floats:
    """Polygons (n, 2 m, 2): the part of ``polygon`` (n, m, 2) with ``sign * (coordinate - limit) >= 0``.

    Sutherland and Hodgman (1974), for all frames at once: a vertex outside moves straight onto the limiting line
    instead of vanishing, and the edges along that line enclose no area.
    """
    following = np.roll(polygon, -1, axis=1)
    inside = sign * (polygon[..., axis] - limit)
    inside_next = sign * (following[..., axis] - limit)
    kept = polygon.copy()
    kept[inside < 0, axis] = limit
    crossing = kept.copy()
    cut = inside * inside_next < 0
    part = inside[cut] / (inside[cut] - inside_next[cut])
    crossing[cut] = polygon[cut] + part[:, None] * (following[cut] - polygon[cut])
    return np.stack([kept, crossing], axis=2).reshape(len(polygon), -1, 2)


def _area(polygon: Floats) -> Floats:
    """Area (n,) of polygons (n, m, 2) by the shoelace formula."""
    x, y = polygon[..., 0], polygon[..., 1]
    turned = x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)
    return np.asarray(np.abs(turned.sum(axis=1)) / 2)
