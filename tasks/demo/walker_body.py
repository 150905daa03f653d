"""The walker's body: clothes and limbs over the joints of one moment, drawn from far to px_per_height."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from tasks.demo.shapes import Color, Layer, PointPx, Single, capsule, cylinder_light, paint_surface, sample_texture
from tasks.demo.skeleton import POINT_INDEX
from tasks.demo.walker_head import draw_head
from tasks.maths.arrays import Floats


@dataclass(frozen=True)
class Outfit:
    """Colours (r, g, b) of a person, 0 to 255, and the seed of the shirt's pattern."""

    shirt: Color = (38, 92, 122)
    accent: Color = (226, 208, 164)
    trousers: Color = (72, 70, 84)
    skin: Color = (206, 152, 120)
    hair: Color = (62, 42, 32)
    shoes: Color = (150, 52, 44)
    pattern: int = 1


@dataclass(frozen=True)
class Figure:
    """The projected joints of one person at one moment."""

    xy: Floats  # (points, 2) px
    px_per_height: Floats  # (points,) pixels of one body height at each joint
    depth: Floats  # (points,) towards the camera, in body heights
    yaw_rad: float
    pelvis_rad: float
    shoulders_rad: float

    def at(self, name: str) -> PointPx:
        x, y = self.xy[POINT_INDEX[name]]
        return float(x), float(y)

    def size(self, name: str, heights: float) -> float:
        """Pixels of a length in body heights at a joint's depth."""
        return float(self.px_per_height[POINT_INDEX[name]]) * heights


# Rows: position along the trunk from hips (0) to neck (1), half width, half depth, forward offset (body heights).
_SHIRT: Final = np.array(
    [
        [0.00, 0.099, 0.074, -0.007],
        [0.10, 0.094, 0.072, -0.005],
        [0.22, 0.087, 0.066, 0.000],
        [0.38, 0.086, 0.066, 0.004],
        [0.60, 0.098, 0.074, 0.006],
        [0.78, 0.106, 0.071, 0.000],
        [0.88, 0.102, 0.060, -0.006],
        [0.95, 0.076, 0.046, -0.008],
        [1.01, 0.046, 0.034, -0.006],
    ]
)
_SEAT: Final = np.array(
    [
        [-0.17, 0.066, 0.050, -0.006],
        [-0.11, 0.086, 0.066, -0.008],
        [-0.02, 0.096, 0.074, -0.010],
        [0.14, 0.084, 0.068, -0.006],
    ]
)


def draw_body(layer: Layer, figure: Figure, outfit: Outfit) -> None:
    """Paint the person into the layer, and add its coverage to the layer's alpha."""
    sides = sorted(("left", "right"), key=lambda side: figure.depth[POINT_INDEX[f"{side}_hip"]])
    far = 1 - 0.32 * abs(float(np.cos(figure.yaw_rad)))  # the far side is darker
    chest = figure.depth[POINT_INDEX["neck"]]
    behind = [side for side in sides if figure.depth[POINT_INDEX[f"{side}_shoulder"]] < chest - 0.06]
    for side in behind:
        _arm(layer, figure, outfit, side, dim=far)
    _leg(layer, figure, outfit, sides[0], dim=far)
    _trunk(layer, figure, _SEAT, _plain(outfit.trousers))
    _leg(layer, figure, outfit, sides[1], dim=1.0)
    size = figure.size("neck", 1.0)
    capsule(layer, figure.at("neck"), figure.at("head"), (0.031 * size, 0.029 * size), _dim(outfit.skin, 0.86))
    _trunk(layer, figure, _SHIRT, _shirt_cloth(outfit))
    draw_head(layer, figure.xy, figure.px_per_height, figure.depth, figure.yaw_rad, outfit.skin, outfit.hair)
    for side in sides:
        if side not in behind:
            _arm(layer, figure, outfit, side, dim=1.0)


def _dim(color: Color, share: float) -> Color:
    return color[0] * share, color[1] * share, color[2] * share


def _leg(layer: Layer, figure: Figure, outfit: Outfit, side: str, dim: float) -> None:
    hip, knee, ankle = (figure.at(f"{side}_{name}") for name in ("hip", "knee", "ankle"))
    heel, ball, toe, sole = (figure.at(f"{side}_{name}") for name in ("heel", "ball", "foot_index", "sole"))
    size = figure.size(f"{side}_ankle", 1.0)
    shoe, rubber = _dim(outfit.shoes, dim), _dim((228, 224, 214), dim)
    low_heel, low_ball, low_toe = (_between(a, b, 0.8) for a, b in ((heel, sole), (ball, ball), (toe, ball)))
    capsule(layer, low_heel, _raised(low_ball, 0.002 * size), (0.011 * size, 0.009 * size), rubber)
    capsule(layer, _raised(low_ball, 0.002 * size), _between(toe, low_toe, 0.35), (0.009 * size, 0.008 * size), rubber)
    capsule(layer, heel, _raised(ball, 0.014 * size), (0.019 * size, 0.016 * size), shoe)
    capsule(layer, _raised(ball, 0.014 * size), toe, (0.016 * size, 0.011 * size), shoe)
    capsule(layer, ankle, _raised(ball, 0.016 * size), (0.020 * size, 0.014 * size), shoe)
    size = figure.size(f"{side}_knee", 1.0)
    trousers, cloth = _dim(outfit.trousers, dim), _denim(outfit.pattern)
    texel = size / 340
    calf, thigh = (0.038 * size, 0.029 * size), (0.050 * size, 0.038 * size)
    capsule(layer, knee, ankle, calf, trousers, bulge=0.004 * size, cloth=cloth, cloth_px=texel)
    root = _between(hip, figure.at("hip_center"), 0.15)
    capsule(layer, root, knee, thigh, trousers, bulge=0.005 * size, cloth=cloth, cloth_px=texel)


def _raised(point: PointPx, up_px: float) -> PointPx:
    return point[0], point[1] - up_px


def _between(first: PointPx, second: PointPx, share: float) -> PointPx:
    return first[0] + share * (second[0] - first[0]), first[1] + share * (second[1] - first[1])


def _arm(layer: Layer, figure: Figure, outfit: Outfit, side: str, dim: float) -> None:
    shoulder, elbow, wrist, finger = (figure.at(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist", "index"))
    size = figure.size(f"{side}_elbow", 1.0)
    skin, shirt = _dim(outfit.skin, dim), _dim(outfit.shirt, dim * 0.86)
    capsule(layer, wrist, finger, (0.0150 * size, 0.0100 * size), skin, bulge=0.007 * size)
    capsule(layer, elbow, wrist, (0.0235 * size, 0.0155 * size), skin, bulge=0.002 * size)
    capsule(layer, shoulder, elbow, (0.030 * size, 0.0235 * size), skin)
    cuff = _between(shoulder, elbow, 0.62)
    capsule(layer, shoulder, cuff, (0.037 * size, 0.033 * size), shirt, cloth=_denim(outfit.pattern))


def _trunk(layer: Layer, figure: Figure, profile: Floats, cloth: Single) -> None:
    """An elliptic column around the line from hips to neck. Its cloth turns and leans with it."""
    hips, neck = np.array(figure.at("hip_center")), np.array(figure.at("neck"))
    length = float(np.linalg.norm(neck - hips))
    axis = (neck - hips) / length
    right = np.array([-axis[1], axis[0]])
    scale = figure.size("hip_center", 1.0)
    rows, (half, turn, ahead) = _silhouette(figure, profile)
    reach = float(np.max(half + np.abs(ahead))) * scale
    ends = np.stack([hips + axis * length * rows[0], hips + axis * length * rows[-1]])

    def shade(x: Single, y: Single) -> tuple[Single, Single]:
        px, py = x - np.float32(hips[0]), y - np.float32(hips[1])
        along = (px * np.float32(axis[0]) + py * np.float32(axis[1])) / np.float32(length)
        place = (along - rows[0]) * ((len(rows) - 1) / (rows[-1] - rows[0]))
        table = np.stack([half * scale, turn, ahead * scale], axis=-1).astype(np.float32)[None]
        looked = cv2.remap(
            table,
            place.astype(np.float32),
            np.zeros_like(along, np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        width, phase, center = looked[..., 0], looked[..., 1], looked[..., 2]
        side = px * np.float32(right[0]) + py * np.float32(right[1]) - center
        cover = np.clip(width + np.float32(0.5) - np.abs(side), 0, 1)
        cover *= np.clip((along - rows[0]) * np.float32(length) + 0.5, 0, 1)
        cover *= np.clip((rows[-1] - along) * np.float32(length) + 0.5, 0, 1)
        across = np.clip(side / width, -1, 1)
        angle = phase + np.arccos(across, dtype=np.float32)
        height, columns = cloth.shape[:2]
        along_cloth = np.asarray((along + 0.3) * np.float32(height / 1.4), np.float32)
        rgb = sample_texture(cloth, angle * np.float32(columns / (2 * np.pi)), along_cloth)
        return cover.astype(np.float32), rgb * cylinder_light(across, (float(axis[0]), float(axis[1])))[..., None]

    low, high = ends.min(axis=0) - reach, ends.max(axis=0) + reach
    paint_surface(layer, (float(low[0]), float(low[1])), (float(high[0]), float(high[1])), shade)


def _silhouette(figure: Figure, profile: Floats) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
    """Positions along the trunk, and at each: half width seen, angle of the cloth at the right edge, centre offset.

    A point of the ellipse at angle p is (across * cos p) to the person's left and (deep * sin p) to the front. The
    camera sees it at half * cos(p - turn) to the right, and it sees the angles from turn to turn + pi.
    """
    rows = np.linspace(profile[0, 0], profile[-1, 0], 48)
    across, deep, forward = (np.interp(rows, profile[:, 0], profile[:, column]) for column in (1, 2, 3))
    upper = np.clip(rows, 0, 1)
    yaw = figure.yaw_rad - (figure.pelvis_rad * (1 - upper) + figure.shoulders_rad * upper)
    left_edge, front_edge = across * np.sin(yaw), deep * np.cos(yaw)
    turn = np.unwrap(np.arctan2(front_edge, left_edge))
    return rows, (np.hypot(left_edge, front_edge), turn, forward * np.cos(yaw))


def _blurred(noise: Floats, sigma: float) -> Floats:
    """Periodic Gaussian blur, scaled to unit variance."""
    frequencies = np.meshgrid(np.fft.fftfreq(noise.shape[0]), np.fft.fftfreq(noise.shape[1]), indexing="ij")
    gain = np.exp(-2 * (np.pi * sigma) ** 2 * (frequencies[0] ** 2 + frequencies[1] ** 2))
    smooth = np.real(np.fft.ifft2(np.fft.fft2(noise) * gain))
    scaled: Floats = smooth / smooth.std()
    return scaled


@lru_cache(maxsize=8)
def _denim(seed: int) -> Single:
    """Periodic brightness (64, 64) about 1: a weave with soft folds."""
    random = np.random.default_rng((seed, 3))
    weave = 1 + 0.035 * _blurred(random.standard_normal((64, 64)), 1.6)
    folds = 0.05 * _blurred(random.standard_normal((64, 64)), 7)
    return np.asarray(weave + folds, np.float32)


@lru_cache(maxsize=8)
def _plain(color: Color) -> Single:
    weave = _denim(1)[..., None] * np.array(color, np.float32)
    return np.tile(weave, (3, 8, 1))


@lru_cache(maxsize=8)
def _shirt_cloth(outfit: Outfit) -> Single:
    """Shirt (288, 512, 3): uneven stripes in both directions and leaves between them. No two places look alike."""
    random = np.random.default_rng((outfit.pattern, 5))
    height, width = 288, 512
    base, accent = np.array(outfit.shirt, float), np.array(outfit.accent, float)
    rows = _blurred(np.repeat(random.standard_normal((height, 1)), 2, axis=1), 4)[:, :1]
    columns = _blurred(np.repeat(random.standard_normal((1, width)), 2, axis=0), 6)[:1]
    stripes = np.clip(0.5 + 0.9 * rows, 0, 1) * 0.30 + np.clip(0.5 + 0.9 * columns, 0, 1) * 0.25
    leaves = np.clip((_blurred(random.standard_normal((height, width)), 5.5) - 0.9) * 2.2, 0, 1)
    dark = np.clip((_blurred(random.standard_normal((height, width)), 5.0) - 1.0) * 2.2, 0, 1)
    cloth = base + (accent - base) * (0.45 * stripes)[..., None]
    cloth = cloth * (1 - 0.45 * dark[..., None])
    cloth = cloth + (accent - cloth) * (0.85 * leaves)[..., None]
    return np.asarray(cloth, np.float32)
