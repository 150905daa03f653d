"""The street behind the drawn walker: parallax layers, wider and taller than the picture.

A layer repeats sideways, so that the camera can travel any distance. Nearer layers pass faster.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from tasks.demo.street_drawing import draw_houses, draw_pavement, draw_sky, draw_trees
from tasks.maths.arrays import Bytes

HORIZON_SHARE: Final = 0.345  # of the frame's height: the horizon
PAVEMENT_SHARE: Final = 0.72  # of the frame's height: where the pavement begins
SHAKE_MARGIN_SHARE: Final = 0.08  # of the frame's height: extra picture on every side, for the shake


@dataclass(frozen=True)
class ParallaxLayer:
    """A picture at one depth. It repeats after ``period_px``, and one frame's width is appended to it."""

    rgb: Bytes  # (rows, period + width + 2, 3); premultiplied if ``alpha`` is given
    alpha: Bytes | None  # (rows, period + width + 2, 3), equal channels; None: opaque
    top_px: float  # frame row of its first row, with the camera at rest
    pace: float  # its speed, as a share of the nearest layer's


@dataclass(frozen=True)
class Street:
    """Layers from far to near, for frames of one size."""

    size_px: tuple[int, int]
    layers: tuple[ParallaxLayer, ...]


def build_street(size_px: tuple[int, int], above_px: float, seed: int) -> Street:
    """Draw the layers once. The same arguments give the same layers.

    ``above_px`` rows are added at the top, for a camera that looks up.
    """
    width, height = size_px
    unit = height / 540
    period = 3 * width
    random = np.random.default_rng((seed, 11))
    top = -(above_px + SHAKE_MARGIN_SHARE * height)
    ground = round(PAVEMENT_SHARE * height - top)
    rows = int(np.ceil((1 + SHAKE_MARGIN_SHARE) * height - top))
    sky = draw_sky(period, ground, HORIZON_SHARE * height - top, unit, random)
    houses, houses_alpha = draw_houses(period, ground + int(12 * unit), ground, unit, random)
    trees, trees_alpha = draw_trees(period, ground + int(12 * unit), ground, unit, random)
    pavement = draw_pavement(period, rows - ground, unit, random)
    return Street(
        size_px,
        (
            _layer(sky, None, top, 0.25, width),
            _layer(houses, houses_alpha, top, 0.70, width),
            _layer(trees, trees_alpha, top, 0.83, width),
            _layer(pavement, None, top + ground, 1.0, width),
        ),
    )


def _layer(rgb: Bytes, alpha: Bytes | None, top_px: float, pace: float, width: int) -> ParallaxLayer:
    def longer(image: Bytes) -> Bytes:
        return np.ascontiguousarray(np.concatenate([image, image[:, : width + 2]], axis=1))

    if alpha is None:
        return ParallaxLayer(longer(rgb), None, top_px, pace)
    solid = cv2.merge([alpha, alpha, alpha])
    return ParallaxLayer(longer(cv2.multiply(rgb, solid, scale=1 / 255)), longer(solid), top_px, pace)


def street_frame(street: Street, travel_px: float, shift_px: tuple[float, float]) -> Bytes:
    """The frame (h, w, 3) of a camera that has travelled ``travel_px``, shifted by ``shift_px``."""
    width, height = street.size_px
    frame = np.zeros((height, width, 3), np.uint8)
    for layer in street.layers:
        first = layer.top_px + shift_px[1]
        begin = max(int(np.floor(first)), 0)
        end = min(int(np.floor(first + layer.rgb.shape[0])), height)
        if begin >= end:
            continue
        period = layer.rgb.shape[1] - width - 2
        column = (layer.pace * travel_px - shift_px[0]) % period
        patch = _cut(layer.rgb, column, begin - first, width, end - begin)
        if layer.alpha is None:
            frame[begin:end] = patch
            continue
        through = cv2.bitwise_not(_cut(layer.alpha, column, begin - first, width, end - begin))
        frame[begin:end] = cv2.add(cv2.multiply(frame[begin:end], through, scale=1 / 255), patch)
    return frame


def _cut(image: Bytes, left: float, top: float, width: int, height: int) -> Bytes:
    """Bilinear window whose first pixel is at (left, top)."""
    center = (left + (width - 1) / 2, top + (height - 1) / 2)
    return np.asarray(cv2.getRectSubPix(image, (width, height), center))
