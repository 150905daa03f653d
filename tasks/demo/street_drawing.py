"""Drawings for the layers of the street: sky, houses, trees and pavement, as pictures that repeat sideways.

``unit`` is the scale: output pixels per pixel of a frame 540 high. ``period`` is the width in px after which a picture
repeats.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes

Random = np.random.Generator
ByteColor = tuple[int, int, int]

_WALLS: tuple[ByteColor, ...] = (
    (214, 196, 168), (176, 112, 92), (168, 180, 160), (206, 178, 128), (150, 164, 180), (196, 150, 132),
)  # fmt: skip
_LEAVES: tuple[ByteColor, ...] = ((86, 122, 66), (104, 140, 74), (70, 104, 62), (126, 150, 82))


def _grain(image: Bytes, strength: float, fine_px: float, random: Random) -> Bytes:
    """Add soft brightness noise. The blur wraps sideways, so that the picture still repeats."""
    noise = random.standard_normal(image.shape[:2]).astype(np.float32)
    pad = int(4 * fine_px) + 1
    noise = cv2.GaussianBlur(np.pad(noise, ((0, 0), (pad, pad)), mode="wrap"), (0, 0), fine_px)[:, pad:-pad]
    noise *= strength / float(noise.std())
    return np.asarray(np.clip(np.rint(image + noise[..., None]), 0, 255), np.uint8)


def draw_sky(period: int, rows: int, horizon: float, unit: float, random: Random) -> Bytes:
    """Sky (rows, period, 3) with clouds above hills."""
    height = np.linspace(0, 1, rows)[:, None, None] ** 0.8
    top, low = np.array([126, 168, 212]), np.array([226, 228, 224])
    image = np.ascontiguousarray(np.broadcast_to(top + (low - top) * height, (rows, period, 3))).astype(np.float32)
    cloud = random.standard_normal((rows // 6 + 1, period // 12 + 1)).astype(np.float32)
    cloud = cv2.GaussianBlur(np.tile(cloud, (1, 3)), (0, 0), 4 * unit + 1)[:, cloud.shape[1] : 2 * cloud.shape[1]]
    cloud = cv2.resize(cloud / cloud.std(), (period, rows), interpolation=cv2.INTER_CUBIC)
    image += (np.clip(cloud - 0.3, 0, 1.2) * 0.45)[..., None] * (np.array([250, 248, 244], np.float32) - image)
    x = np.arange(period) * (2 * np.pi / period)
    for number, color in enumerate(((168, 184, 186), (142, 164, 148), (120, 146, 116))):
        waves = sum(
            random.uniform(4, 16) * unit * np.sin(k * x + random.uniform(0, 6.28)) / np.sqrt(k) for k in range(2, 14)
        )
        ridge = horizon - (70 - 26 * number) * unit + waves
        land = np.arange(rows)[:, None] - ridge[None]
        image += np.clip(land + 0.5, 0, 1)[..., None].astype(np.float32) * (np.array(color, np.float32) - image)
    return _grain(np.clip(np.rint(image), 0, 255).astype(np.uint8), 2.5, 2.2 * unit, random)


def draw_houses(period: int, rows: int, ground: int, unit: float, random: Random) -> tuple[Bytes, Bytes]:
    """Houses (rows, period, 3) and their alpha (rows, period), with walls of many colours, windows, doors and roofs."""
    image = np.full((rows, period, 3), (120, 132, 108), np.uint8)
    alpha = np.zeros((rows, period), np.uint8)
    left = 0
    while left < period - int(60 * unit):
        wide = min(int(random.uniform(150, 290) * unit), period - left)
        if period - left - wide < int(90 * unit):
            wide = period - left
        gap = int(random.choice([0, 0, 26, 60]) * unit)
        tall = int(random.uniform(250, 380) * unit)
        _house(image, alpha, (left, max(ground - tall, 2)), (left + wide - gap, ground), unit, random)
        left += wide
    hedge = int(34 * unit)
    image[ground - hedge // 3 :] = (96, 92, 84)
    alpha[ground - hedge // 3 :] = 255
    return cv2.GaussianBlur(_grain(image, 5.0, 1.3 * unit, random), (0, 0), 0.7 * unit), cv2.GaussianBlur(
        alpha, (0, 0), 0.7 * unit
    )


def _house(
    image: Bytes, alpha: Bytes, low: tuple[int, int], high: tuple[int, int], unit: float, random: Random
) -> None:
    (left, top), (right, bottom) = low, high
    color = np.array(_WALLS[int(random.integers(len(_WALLS)))])
    wall = tuple(int(part) for part in np.clip(color * random.uniform(0.9, 1.08), 0, 255))
    image[top:bottom, left:right] = wall
    alpha[top:bottom, left:right] = 255
    brick, shade = int(9 * unit), tuple(int(part * 0.90) for part in wall)
    for row, y in enumerate(range(top, bottom, max(brick, 3))):
        cv2.line(image, (left, y), (right - 1, y), shade, 1)
        for x in range(left + (row % 2) * brick, right, max(2 * brick, 6)):
            cv2.line(image, (x, y), (x, min(y + brick, bottom)), shade, 1)
    eaves = int(16 * unit)
    image[top : top + eaves, left:right] = (92, 66, 58)
    image[top + eaves : top + eaves + max(int(4 * unit), 1), left:right] = tuple(int(part * 0.72) for part in wall)
    count = max(int((right - left) / (74 * unit)), 1)
    pitch = (right - left) / count
    door = int(random.integers(count))
    for column in range(count):
        middle = left + (column + 0.5) * pitch
        for row, y in enumerate(range(bottom - int(118 * unit), top + int(40 * unit), -int(100 * unit))):
            if row == 0 and column == door:
                _door(
                    image,
                    (int(middle - 19 * unit), int(bottom - 112 * unit)),
                    (int(middle + 19 * unit), bottom),
                    unit,
                    random,
                )
            else:
                _window(
                    image, (int(middle - 20 * unit), y), (int(middle + 20 * unit), y + int(64 * unit)), unit, random
                )


def _window(image: Bytes, low: tuple[int, int], high: tuple[int, int], unit: float, random: Random) -> None:
    frame = max(int(4 * unit), 1)
    light = float(random.uniform(0.75, 1.1))
    (left, top), (right, bottom) = low, high
    if top < 0:
        return
    image[top:bottom, left:right] = (232, 228, 218)
    glass = np.linspace(118, 74, bottom - top - 2 * frame)[:, None, None] * np.array([0.82, 0.95, 1.08]) * light
    image[top + frame : bottom - frame, left + frame : right - frame] = np.clip(glass, 0, 255).astype(np.uint8)
    middle, sash = (left + right) // 2, top + (bottom - top) * 2 // 5
    image[top:bottom, middle - frame // 2 : middle + frame // 2 + 1] = (232, 228, 218)
    image[sash : sash + frame, left:right] = (232, 228, 218)
    image[bottom : bottom + 2 * frame, left - frame : right + frame] = (190, 182, 168)


def _door(image: Bytes, low: tuple[int, int], high: tuple[int, int], unit: float, random: Random) -> None:
    colors = ((120, 48, 44), (46, 82, 74), (52, 66, 104), (112, 82, 48))
    color = colors[int(random.integers(len(colors)))]
    (left, top), (right, bottom) = low, high
    frame = max(int(4 * unit), 1)
    image[top - frame : bottom, left - frame : right + frame] = (222, 216, 204)
    image[top:bottom, left:right] = color
    inner = tuple(int(part * 0.8) for part in color)
    for share in (0.08, 0.54):
        y0, y1 = int(top + share * (bottom - top)), int(top + (share + 0.38) * (bottom - top))
        cv2.rectangle(image, (left + 2 * frame, y0), (right - 2 * frame, y1), inner, frame // 2 + 1)


def draw_trees(period: int, rows: int, ground: int, unit: float, random: Random) -> tuple[Bytes, Bytes]:
    """Trees, lamp posts and shrubs (rows, period, 3) and their alpha (rows, period)."""
    image = np.full((rows, period, 3), (80, 108, 64), np.uint8)
    alpha = np.zeros((rows, period), np.uint8)
    x = random.uniform(0, 90) * unit
    while x < period:
        kind = random.random()
        if kind < 0.4:
            _tree(image, alpha, x, ground, unit, random)
        elif kind < 0.6:
            _lamp(image, alpha, x, ground, unit)
        else:
            _leaves(image, alpha, (x, ground - 10 * unit), (34 * unit, 20 * unit), 60, unit, random)
        x += random.uniform(110, 260) * unit
    image[ground:], alpha[ground:] = (92, 88, 80), 255
    return cv2.GaussianBlur(_grain(image, 5.0, 1.2 * unit, random), (0, 0), 0.6 * unit), cv2.GaussianBlur(
        alpha, (0, 0), 0.6 * unit
    )


def _tree(image: Bytes, alpha: Bytes, x: float, ground: int, unit: float, random: Random) -> None:
    tall, half = random.uniform(190, 260) * unit, random.uniform(5.5, 8.5) * unit
    trunk = np.array(
        [[x - half, ground], [x - 0.6 * half, ground - tall], [x + 0.6 * half, ground - tall], [x + half, ground]]
    )
    _wrapped(image, alpha, "polygon", trunk, (92, 74, 58))
    _leaves(image, alpha, (x, ground - tall - 20 * unit), (70 * unit, 62 * unit), 150, unit, random)


def _lamp(image: Bytes, alpha: Bytes, x: float, ground: int, unit: float) -> None:
    post = np.array([[x - 2.5, 0], [x + 2.5, 0], [x + 1.6, -236], [x - 1.6, -236]]) - np.array([x, 0])
    _wrapped(image, alpha, "polygon", post * unit + np.array([x, ground]), (58, 62, 64))
    _wrapped(image, alpha, "disc", np.array([[x, ground - 244 * unit], [9 * unit, 9 * unit]]), (244, 236, 206))


def _leaves(
    image: Bytes,
    alpha: Bytes,
    at: tuple[float, float],
    size: tuple[float, float],
    count: int,
    unit: float,
    random: Random,
) -> None:
    for _ in range(count):
        angle, out = random.uniform(0, 2 * np.pi), np.sqrt(random.random())
        x, y = at[0] + size[0] * out * np.cos(angle), at[1] + size[1] * out * np.sin(angle)
        radius = random.uniform(5, 13) * unit
        color = np.array(_LEAVES[int(random.integers(len(_LEAVES)))]) * (1.1 - 0.25 * (y - at[1]) / size[1])
        _wrapped(
            image,
            alpha,
            "disc",
            np.array([[x, y], [radius, radius * 0.8]]),
            (int(color[0]), int(color[1]), int(color[2])),
        )


def _wrapped(image: Bytes, alpha: Bytes, kind: str, points: NDArray[np.float64], color: ByteColor) -> None:
    """Draw an anti-aliased polygon, or a disc (centre and radii), and again one period to each side."""
    period = image.shape[1]
    for shift in (-period, 0, period):
        moved = points + np.array([shift, 0]) if kind == "polygon" else points + np.array([[shift, 0], [0, 0]])
        low, high = (moved.min(), moved.max()) if kind == "polygon" else (moved[0, 0] - 60, moved[0, 0] + 60)
        if high < 0 or low > period:
            continue
        fixed = np.rint(moved * 16).astype(np.int32)
        for target, value in ((image, color), (alpha, 255)):
            if kind == "polygon":
                cv2.fillPoly(target, [fixed], value, cv2.LINE_AA, 4)
            else:
                cv2.ellipse(target, tuple(fixed[0]), tuple(fixed[1]), 0, 0, 360, value, -1, cv2.LINE_AA, 4)


def draw_pavement(period: int, rows: int, unit: float, random: Random) -> Bytes:
    """Pavement (rows, period, 3): a kerb, slabs that grow towards the camera, speckles."""
    image = np.empty((rows, period, 3), np.uint8)
    shade = np.linspace(0.92, 1.06, rows)[:, None, None]
    image[:] = np.clip(shade * np.array([176, 168, 156]), 0, 255)
    seams = [0.0]
    while seams[-1] < rows:
        seams.append(seams[-1] + (13 + 0.30 * seams[-1] / unit) * unit)
    for number, (top, bottom) in enumerate(pairwise(seams)):
        y0, y1 = int(top), min(int(bottom), rows)
        count = max(round(period / ((bottom - top) * 3.4)), 3)
        edges = (np.arange(count) + 0.5 * (number % 2)) * (period / count)
        for left, right in zip(edges, np.append(edges[1:], edges[0] + period), strict=True):
            tone = random.uniform(-9, 9)
            for x0, x1 in ((left, min(right, period)), (0, right - period)):
                if x1 > x0:
                    slab = image[y0:y1, int(x0) : int(x1)]
                    slab[:] = np.clip(slab + tone, 0, 255)
            cv2.line(image, (int(left) % period, y0), (int(left) % period, y1), (138, 130, 120), 1, cv2.LINE_AA)
        cv2.line(image, (0, y0), (period, y0), (134, 126, 116), max(int(1.5 * unit), 1), cv2.LINE_AA)
    image[: int(5 * unit)] = (92, 88, 80)
    image[int(5 * unit) : int(12 * unit)] = (198, 192, 182)
    return np.asarray(cv2.GaussianBlur(_grain(image, 6.0, 1.1 * unit, random), (0, 0), 0.6 * unit))
