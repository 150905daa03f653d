"""Shaded shapes, drawn analytically, so that every edge is exact to a fraction of a pixel.

A ``Layer`` holds the picture and the coverage drawn so far. A shape is computed only in its own bounding box.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
PointPx = tuple[float, float]
Color = tuple[float, float, float]

LIGHT: Final = (0.42, -0.55, 0.72)  # direction to the sun: right, above (y down), towards the camera
_AMBIENT: Final = 0.56


@dataclass(frozen=True)
class Layer:
    """Picture (h, w, 3) and coverage (h, w), float32, both changed in place.

    ``origin`` is the first pixel's position.
    """

    rgb: Single  # 0..255
    alpha: Single  # 0..1
    origin: tuple[int, int]


LayerSlice = tuple[slice, slice]


def layer_window(layer: Layer, low: PointPx, high: PointPx) -> tuple[LayerSlice, Single, Single] | None:
    """The part of the layer around a box, with x (1, n) and y (m, 1) of its pixels. None if it is outside."""
    height, width = layer.alpha.shape
    x0, y0 = layer.origin
    left, top = max(int(np.floor(low[0])) - 1 - x0, 0), max(int(np.floor(low[1])) - 1 - y0, 0)
    right, bottom = min(int(np.ceil(high[0])) + 2 - x0, width), min(int(np.ceil(high[1])) + 2 - y0, height)
    if left >= right or top >= bottom:
        return None
    x = np.arange(left + x0, right + x0, dtype=np.float32)[None, :]
    y = np.arange(top + y0, bottom + y0, dtype=np.float32)[:, None]
    return (slice(top, bottom), slice(left, right)), x, y


def paint_over(layer: Layer, where: LayerSlice, cover: Single, rgb: Single) -> None:
    """Paint ``rgb`` (h, w, 3) over the layer with coverage ``cover`` (h, w)."""
    picture = layer.rgb[where]
    picture += cover[..., None] * (rgb - picture)
    alpha = layer.alpha[where]
    alpha += cover * (1 - alpha)


def cylinder_light(across: Single, axis: PointPx) -> Single:
    """Light (h, w) on a cylinder seen from the side. ``across`` is -1..1 along the right-hand normal of the axis."""
    normal_x, normal_y = -axis[1], axis[0]
    out = np.clip(across, -1, 1)
    front = np.sqrt(1 - out * out)
    light = out * (normal_x * LIGHT[0] + normal_y * LIGHT[1]) + front * LIGHT[2]
    shaded: Single = _AMBIENT + (1.32 - _AMBIENT) * np.maximum(light, 0) - 0.16 * out * out
    return shaded


def capsule(
    layer: Layer,
    start: PointPx,
    end: PointPx,
    radii: tuple[float, float],
    color: Color,
    *,
    bulge: float = 0.0,
    cloth: Single | None = None,
    cloth_px: float = 1.0,
) -> None:
    """A limb between two points, with a radius at each end and ``bulge`` added in between (parabola).

    ``cloth`` is a periodic brightness texture (values about 1) that moves with the limb, one texel per ``cloth_px``.
    """
    widest = max(radii) + max(bulge, 0)
    low = (min(start[0], end[0]) - widest, min(start[1], end[1]) - widest)
    high = (max(start[0], end[0]) + widest, max(start[1], end[1]) + widest)
    found = layer_window(layer, low, high)
    if found is None:
        return
    where, x, y = found
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = max(float(np.hypot(dx, dy)), 1e-6)
    axis = (dx / length, dy / length)
    px, py = x - np.float32(start[0]), y - np.float32(start[1])
    along = px * np.float32(axis[0]) + py * np.float32(axis[1])
    side = py * np.float32(axis[0]) - px * np.float32(axis[1])
    share = np.clip(along * np.float32(1 / length), 0, 1)
    radius = (
        np.float32(radii[0])
        + share * np.float32(radii[1] - radii[0] + 4 * bulge)
        - (np.float32(4 * bulge) * share * share)
    )
    beyond = along - share * np.float32(length)
    cover = np.clip(radius + np.float32(0.5) - np.sqrt(side * side + beyond * beyond), 0, 1)
    across = np.asarray(side / radius, np.float32)
    light = cylinder_light(across, axis)
    if cloth is not None:
        light = light * sample_texture(cloth, across * np.float32(24), along * np.float32(1 / cloth_px))
    paint_over(layer, where, cover, light[..., None] * np.array(color, np.float32))


def sample_texture(texture: Single, u: Single, v: Single) -> Single:
    """Bilinear samples (h, w) or (h, w, c) of a periodic texture at column ``u`` and row ``v``."""
    height, width = texture.shape[:2]
    shape = np.broadcast_shapes(u.shape, v.shape)
    columns = np.broadcast_to(np.mod(u, np.float32(width)), shape).astype(np.float32)
    rows = np.broadcast_to(np.mod(v, np.float32(height)), shape).astype(np.float32)
    sampled: Single = cv2.remap(texture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return sampled


def disc(
    layer: Layer, center: PointPx, radii: PointPx, color: Color, *, strength: float = 1.0, soft: float = 1.0
) -> None:
    """A flat ellipse of one colour with an edge ``soft`` pixels wide. It adds no coverage."""
    reach = (radii[0] + soft, radii[1] + soft)
    found = layer_window(
        layer, (center[0] - reach[0], center[1] - reach[1]), (center[0] + reach[0], center[1] + reach[1])
    )
    if found is None:
        return
    where, x, y = found
    out = np.hypot((x - np.float32(center[0])) / radii[0], (y - np.float32(center[1])) / radii[1])
    cover = np.clip((1 - out) * np.float32(min(radii) / soft) + 0.5, 0, 1) * np.float32(strength)
    picture = layer.rgb[where]
    picture += cover[..., None] * (np.array(color, np.float32) - picture)


def paint_surface(
    layer: Layer, low: PointPx, high: PointPx, shade: Callable[[Single, Single], tuple[Single, Single]]
) -> None:
    """Paint the coverage (h, w) and colour (h, w, 3) that ``shade(x, y)`` returns for the pixels of a box."""
    found = layer_window(layer, low, high)
    if found is None:
        return
    where, x, y = found
    paint_over(layer, where, *shade(x, y))
