"""Drawn scenes without a person where something moves: cars that pass, trees in the wind, animals, a turning chair."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support.drawn.empty_scenes import GROUND_PX, HEIGHT_PX, NOISE_LEVELS, WIDTH_PX, draw_car, draw_tree

Image = NDArray[np.uint8]
Random = np.random.Generator


def moving_frames(kind: str, frames: int, seed: int) -> Iterator[Image]:
    """Pictures (360, 640, 3) of one scene, by a still camera with some noise."""
    random = np.random.default_rng((seed, len(kind)))
    wall = _wall(kind, random)
    for frame in range(frames):
        scene = wall.copy()
        _DRAW[kind](scene, frame, np.random.default_rng((seed, 3)))
        x, y = 1.5 * WIDTH_PX + random.normal(0, 0.3), 1.2 * HEIGHT_PX + random.normal(0, 0.3)
        seen = cv2.getRectSubPix(scene, (WIDTH_PX, HEIGHT_PX), (x, y))
        yield np.clip(seen + random.normal(0, NOISE_LEVELS, seen.shape), 0, 255).astype(np.uint8)


def _wall(kind: str, random: Random) -> Image:
    """A wall or a row of houses, three frames wide and two high."""
    scene = np.full((2 * HEIGHT_PX, 3 * WIDTH_PX, 3), 200, np.uint8)
    scene[:] = np.linspace(220, 150, 2 * HEIGHT_PX)[:, None, None].astype(np.uint8)
    scene[GROUND_PX:] = (120, 125, 115)
    if kind in ("houses", "traffic"):
        for left in range(0, 3 * WIDTH_PX, 260):
            top = GROUND_PX - int(random.uniform(180, 330))
            cv2.rectangle(scene, (left, top), (left + 240, GROUND_PX), random.integers(90, 220, 3).tolist(), -1)
            for x in range(left + 20, left + 210, 55):
                for y in range(top + 20, GROUND_PX - 60, 70):
                    cv2.rectangle(scene, (x, y), (x + 30, y + 44), (60, 70, 90), -1)
                    cv2.rectangle(scene, (x, y), (x + 30, y + 44), (230, 230, 220), 2)
            cv2.rectangle(scene, (left + 100, GROUND_PX - 55), (left + 135, GROUND_PX), (70, 45, 30), -1)
    return scene


def _traffic(scene: Image, frame: int, random: Random) -> None:
    for length, speed in ((240, 9), (190, -6)):
        draw_car(scene, round(1.5 * WIDTH_PX + speed * (frame - 24)), length, random)


def _wind(scene: Image, frame: int, random: Random) -> None:
    """Trees, sheared by a wind that comes and goes."""
    for place in range(3):
        tree = np.zeros_like(scene)
        draw_tree(tree, 760 + 200 * place, 260, random)
        shear = 0.05 * np.sin(2 * np.pi * frame / 24 * (0.5 + 0.2 * place))
        matrix = np.array([[1, -shear, shear * GROUND_PX], [0, 1, 0]])
        bent = cv2.warpAffine(tree, matrix, tree.shape[1::-1])
        np.copyto(scene, bent, where=bent.any(axis=2, keepdims=True))


def _animals(scene: Image, frame: int, random: Random) -> None:
    """Two animals with four legs that trot: the legs of a diagonal swing together."""
    for number, (speed, size) in enumerate(((4.0, 150), (-2.5, 110))):
        place = (1.5 * WIDTH_PX + speed * (frame - 24), GROUND_PX + 14 * number)
        coat, swing = random.integers(40, 190, 3).tolist(), np.sin(2 * np.pi * frame / 14)
        at = partial(_beside, place, (float(np.sign(speed)) * size, size))
        for root, sign in ((-0.4, 1), (-0.33, -1), (0.33, -1), (0.4, 1)):
            knee, foot = root + 0.08 * sign * swing, root + 0.17 * sign * swing
            lift = 0.05 * max(sign * np.cos(2 * np.pi * frame / 14), 0)
            cv2.line(scene, at(root, 0.5), at(knee, 0.26), coat, round(0.1 * size), cv2.LINE_AA)
            cv2.line(scene, at(knee, 0.26), at(foot, lift), coat, round(0.07 * size), cv2.LINE_AA)
        cv2.ellipse(scene, at(0, 0.58), (round(0.5 * size), round(0.2 * size)), 0, 0, 360, coat, -1, cv2.LINE_AA)
        cv2.line(scene, at(0.4, 0.65), at(0.58, 0.92), coat, round(0.14 * size), cv2.LINE_AA)
        cv2.ellipse(scene, at(0.66, 0.95), (round(0.17 * size), round(0.1 * size)), 0, 0, 360, coat, -1, cv2.LINE_AA)
        cv2.line(scene, at(-0.48, 0.62), at(-0.64, 0.45 + 0.05 * swing), coat, round(0.05 * size), cv2.LINE_AA)


def _beside(place: tuple[float, float], size: tuple[float, float], ahead: float, up: float) -> tuple[int, int]:
    return round(place[0] + ahead * size[0]), round(place[1] - up * size[1])


def _turning_chair(scene: Image, frame: int, random: Random) -> None:
    """An office chair that somebody has pushed: it turns once in 3 s, and its parts become narrow and wide."""
    turn, height, x = 2 * np.pi * frame / 72, 230, round(1.5 * WIDTH_PX)
    colour, wide, deep = (40, 44, 60), abs(np.cos(turn)), np.sin(turn)

    def at(across: float, up: float) -> tuple[int, int]:
        return round(x + across * height), round(GROUND_PX - up * height)

    for foot in range(5):
        angle = turn + 2 * np.pi * foot / 5
        cv2.line(scene, at(0, 0.1), at(0.3 * np.cos(angle), 0.04 * np.sin(angle)), colour, 7, cv2.LINE_AA)
    cv2.line(scene, at(0, 0.36), at(0, 0.1), (90, 90, 90), 9, cv2.LINE_AA)
    cv2.ellipse(scene, at(0, 0.38), (round(0.25 * height), round(0.06 * height)), 0, 0, 360, colour, -1, cv2.LINE_AA)
    for side in (-1, 1):
        rest = at(0.3 * side * np.cos(turn), 0.5)
        cv2.line(scene, rest, (rest[0], rest[1] + 25), colour, 5, cv2.LINE_AA)
        cv2.line(scene, rest, (rest[0] + round(30 * deep), rest[1]), colour, 7, cv2.LINE_AA)
    back = (round((0.05 + 0.17 * wide) * height), round(0.28 * height))
    cv2.ellipse(scene, at(-0.2 * deep, 0.75), back, 0, 0, 360, colour, -1, cv2.LINE_AA)


def _flags(scene: Image, frame: int, random: Random) -> None:
    """Coats on a line in the wind: they have the outline of a body, and move."""
    cv2.line(scene, (0, GROUND_PX - 250), (3 * WIDTH_PX, GROUND_PX - 250), (60, 60, 60), 2)
    for place in range(4):
        colour, x = random.integers(30, 200, 3).tolist(), 700 + 150 * place
        swing = 18 * np.sin(2 * np.pi * frame / 30 + place)
        top = GROUND_PX - 250
        right = [(22, 0), (52, 75), (38, 82), (22, 40), (26 + swing, 130)]
        left = [(-26 + swing, 130), (-22, 40), (-38, 82), (-52, 75), (-22, 0)]
        coat = np.array([(round(x + dx), round(top + dy)) for dx, dy in right + left])
        cv2.fillPoly(scene, [coat], colour, cv2.LINE_AA)


def _still(scene: Image, frame: int, random: Random) -> None:
    """Nothing moves."""


_DRAW = {
    "traffic": _traffic,
    "wind": _wind,
    "animals": _animals,
    "turning_chair": _turning_chair,
    "houses": _still,
    "flags": _flags,
}
MOVING: Final = tuple(_DRAW)
