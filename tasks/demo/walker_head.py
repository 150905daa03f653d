"""The walker's head: an ellipsoid with hair, and a face that turns with it."""

from collections.abc import Callable
from typing import Final

import numpy as np

from tasks.demo.shapes import LIGHT, Color, Layer, PointPx, Single, capsule, disc, paint_surface
from tasks.demo.skeleton import POINT_INDEX
from tasks.maths.arrays import Floats

Place = Callable[[float, float, float], tuple[PointPx, float]]
"""Maps (forward, left, up) of the head to a pixel and to the distance towards the camera."""

_RADII: Final = np.array([0.0575, 0.0465, 0.070])  # forward, left, up, in body heights


def draw_head(
    layer: Layer, xy: Floats, px_per_height: Floats, depth: Floats, yaw_rad: float, skin: Color, hair: Color
) -> None:
    """Paint skull, hair and face over the joints (points, 2) px of one moment."""
    head = POINT_INDEX["head"]
    size = float(px_per_height[head])
    center: PointPx = (float(xy[head, 0]), float(xy[head, 1]))
    axes = _axes(yaw_rad, xy, px_per_height, depth)

    def place(forward: float, left: float, up: float) -> tuple[PointPx, float]:
        world = axes @ np.array([forward, left, up])
        return (center[0] + size * float(world[0]), center[1] - size * float(world[1])), float(world[2])

    jaw, chin = place(0.010, 0, -0.030)[0], place(0.030, 0, -0.055)[0]
    bridge, tip = place(0.050, 0, 0.008)[0], place(0.060, 0, -0.008)[0]
    capsule(layer, jaw, chin, (0.033 * size, 0.016 * size), (skin[0] * 0.97, skin[1] * 0.95, skin[2] * 0.94))
    if np.sin(yaw_rad) <= 0.35:
        capsule(layer, bridge, tip, (0.005 * size, 0.009 * size), skin)
    _skull(layer, center, size, axes, skin, hair)
    if np.sin(yaw_rad) > 0.35:
        capsule(layer, bridge, tip, (0.005 * size, 0.009 * size), skin)
    for side in (1, -1):
        _ear_and_eye(layer, place, side, size, skin, hair)
    lips, seen = place(0.051, 0, -0.034)
    if seen > -0.02:
        wide = 0.004 + 0.012 * max(float(np.sin(yaw_rad)), 0)
        shift = place(0.040, 0.016 if axes[2, 1] > 0 else -0.016, -0.036)[0] if seen < 0.03 else lips
        disc(layer, shift, (wide * size, 0.0035 * size), (150, 82, 76), strength=0.8)


def _axes(yaw_rad: float, xy: Floats, px_per_height: Floats, depth: Floats) -> Floats:
    """Matrix (3, 3) from (forward, left, up) of the head to the world's (x, y, z)."""
    head, nose = POINT_INDEX["head"], POINT_INDEX["nose"]
    fore = np.array([np.cos(yaw_rad), 0, np.sin(yaw_rad)])
    left = np.array([np.sin(yaw_rad), 0, -np.cos(yaw_rad)])
    toward = np.array(
        [
            (xy[nose, 0] - xy[head, 0]) / px_per_height[head],
            -(xy[nose, 1] - xy[head, 1]) / px_per_height[head],
            depth[nose] - depth[head],
        ]
    )
    nod = np.arctan2(toward[1], toward @ fore) + np.arctan2(0.006, 0.063)
    up = np.array([0.0, 1.0, 0.0])
    return np.stack([fore * np.cos(nod) + up * np.sin(nod), left, up * np.cos(nod) - fore * np.sin(nod)], axis=1)


def _skull(layer: Layer, center: PointPx, size: float, axes: Floats, skin: Color, hair: Color) -> None:
    shape = (axes / _RADII).astype(np.float32)  # world to unit sphere is shape.T

    def shade(x: Single, y: Single) -> tuple[Single, Single]:
        px, py = np.broadcast_arrays((x - np.float32(center[0])) / size, (np.float32(center[1]) - y) / size)
        flat = np.stack([px, py], axis=-1).astype(np.float32) @ shape[:2]
        ray = shape[2]
        a = float(ray @ ray)
        b = flat @ ray
        room = b * b - a * (np.sum(flat * flat, axis=-1) - 1)
        radius = np.sqrt(np.maximum(1 - room / a, 0))
        cover = np.clip((1 - radius) * np.float32(0.057 * size) + 0.5, 0, 1)
        ball = flat + ((np.sqrt(np.maximum(room, 0)) - b) / a)[..., None] * ray
        normal = ball @ shape.T
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        light = 0.60 + 0.55 * np.maximum(
            normal[..., 0] * LIGHT[0] - normal[..., 1] * LIGHT[1] + normal[..., 2] * LIGHT[2], 0
        )
        forward, up = ball[..., 0], ball[..., 2]
        haired = np.clip((0.80 * up - 0.72 * forward + 0.05) / 0.10 + 0.5, 0, 1)[..., None]
        strands = (1 + 0.05 * np.sin(forward * 11 + up * 19) + 0.04 * np.sin(forward * 23 - up * 7))[..., None]
        rgb = haired * strands * np.array(hair, np.float32) + (1 - haired) * np.array(skin, np.float32)
        return cover.astype(np.float32), (rgb * light[..., None]).astype(np.float32)

    reach = 0.075 * size
    paint_surface(layer, (center[0] - reach, center[1] - reach), (center[0] + reach, center[1] + reach), shade)


def _ear_and_eye(layer: Layer, place: Place, side: int, size: float, skin: Color, hair: Color) -> None:
    ear, toward = place(-0.006, 0.046 * side, -0.002)
    if toward > -0.012:
        low = place(-0.002, 0.044 * side, -0.016)[0]
        capsule(layer, ear, low, (0.012 * size, 0.008 * size), (skin[0] * 0.88, skin[1] * 0.84, skin[2] * 0.82))
    eye, toward = place(0.0475, 0.019 * side, 0.010)
    if toward > 0.004:
        wide = 0.004 + 0.005 * min(toward / 0.05, 1)
        disc(layer, eye, (wide * size, 0.0048 * size), (238, 234, 228), strength=0.9)
        disc(layer, eye, (0.0042 * size, 0.0046 * size), (46, 34, 30))
        brow = place(0.046, 0.019 * side, 0.024)[0]
        disc(layer, brow, (1.5 * wide * size, 0.0032 * size), hair, strength=0.85)
