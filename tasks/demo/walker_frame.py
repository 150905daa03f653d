"""The figures of one frame: people, their shadows, and a post in front of them."""

import numpy as np
from numpy.typing import NDArray

from tasks.demo.gait import LEG_BH
from tasks.demo.shapes import Layer, cylinder_light, disc, paint_surface
from tasks.demo.walker_body import Figure, Outfit, draw_body
from tasks.maths.arrays import Bytes

Single = NDArray[np.float32]


def _box(figure: Figure, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """First and last pixels (x0, y0, x1, y1) that the figure may touch, clipped to the frame.

    Empty if it is outside.
    """
    margin = 0.1 * figure.size("hip_center", 1.0)
    low, high = np.nanmin(figure.xy, axis=0) - margin, np.nanmax(figure.xy, axis=0) + margin
    x0, y0 = (int(max(np.floor(part), 0)) for part in low)
    x1, y1 = (int(min(np.ceil(part), limit)) for part, limit in zip(high, (shape[1], shape[0]), strict=True))
    return x0, y0, x1, y1


def draw_person(rgb: Bytes, mask: Bytes, figure: Figure, outfit: Outfit, *, of_subject: bool) -> None:
    """Draw a person into the frame. The subject is added to the mask; another person hides parts of it."""
    x0, y0, x1, y1 = _box(figure, rgb.shape)
    if x0 >= x1 or y0 >= y1:
        return
    part = (slice(y0, y1), slice(x0, x1))
    layer = Layer(rgb[part].astype(np.float32), np.zeros((y1 - y0, x1 - x0), np.float32), (x0, y0))
    draw_body(layer, figure, outfit)
    rgb[part] = np.clip(np.rint(layer.rgb), 0, 255).astype(np.uint8)
    own = 255 * layer.alpha if of_subject else mask[part] * (1 - layer.alpha)
    mask[part] = np.rint(own).astype(np.uint8)


def draw_shadow(rgb: Bytes, figure: Figure) -> None:
    """Soft shadow on the ground under the body and each foot."""
    x0, y0, x1, y1 = _box(figure, rgb.shape)
    if x0 >= x1 or y0 >= y1:
        return
    y0, y1 = max(y1 - int(figure.size("hip_center", 0.25)), y0), min(y1 + 8, rgb.shape[0])
    part = (slice(y0, y1), slice(x0, x1))
    layer = Layer(rgb[part].astype(np.float32), np.zeros((y1 - y0, x1 - x0), np.float32), (x0, y0))
    size = figure.size("hip_center", 1.0)
    hip_x, hip_y = figure.at("hip_center")
    ground = hip_y + (LEG_BH - 0.02) * size
    disc(layer, (hip_x, ground), (0.17 * size, 0.028 * size), (60, 56, 58), strength=0.30, soft=0.05 * size)
    for side in ("left", "right"):
        x, y = figure.at(f"{side}_ball")
        disc(
            layer,
            (x - 0.03 * size, y + 0.01 * size),
            (0.06 * size, 0.012 * size),
            (50, 46, 48),
            strength=0.30,
            soft=0.02 * size,
        )
    rgb[part] = np.clip(np.rint(layer.rgb), 0, 255).astype(np.uint8)


def draw_post(rgb: Bytes, mask: Bytes, center_x_px: float, foot_y_px: float, half_width_px: float) -> None:
    """Draw a round post from the top of the frame to its foot. It hides parts of the mask."""
    height, width = mask.shape
    x0, x1 = max(int(center_x_px - half_width_px) - 2, 0), min(int(center_x_px + half_width_px) + 3, width)
    if x0 >= x1:
        return
    part = (slice(0, height), slice(x0, x1))
    layer = Layer(rgb[part].astype(np.float32), np.zeros((height, x1 - x0), np.float32), (x0, 0))

    def shade(x: Single, y: Single) -> tuple[Single, Single]:
        out = x - np.float32(center_x_px)
        across = np.broadcast_to(out / np.float32(half_width_px), np.broadcast_shapes(x.shape, y.shape))
        cover = np.clip(half_width_px + 0.5 - np.abs(out), 0, 1) * np.clip(foot_y_px - y + 0.5, 0, 1)
        bands = 1 + 0.05 * np.sin((y - np.float32(foot_y_px)) * np.float32(40 / height)) + 0.04 * np.sin(across * 17)
        color = np.array([112, 108, 110], np.float32)
        return cover.astype(np.float32), ((cylinder_light(across, (0.0, -1.0)) * bands)[..., None] * color).astype(
            np.float32
        )

    paint_surface(layer, (center_x_px - half_width_px, 0), (center_x_px + half_width_px, foot_y_px), shade)
    rgb[part] = np.clip(np.rint(layer.rgb), 0, 255).astype(np.uint8)
    mask[part] = np.rint(mask[part] * (1 - layer.alpha)).astype(np.uint8)
