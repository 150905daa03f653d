"""Drawn scenes without a person, which a camera passes: what the pose model may take for people."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.demo.walker import Walk, draw_walk
from tasks.maths.arrays import Floats
from tasks.maths.tracking.squares import Square

Image = NDArray[np.uint8]
Random = np.random.Generator
WIDTH_PX, HEIGHT_PX = 640, 360
GROUND_PX = round(1.5 * HEIGHT_PX)  # row of the ground in a scene of three widths and two heights
NOISE_LEVELS = 3.0
RATE_HZ = 24


class StillView:
    """One picture as the tracker asks for it."""

    def __init__(self, rgb: Image) -> None:
        self._rgb = rgb
        self.size_px = (rgb.shape[1], rgb.shape[0])
        self.small_luma: Image = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)

    def whole(self) -> Image:
        return self._rgb

    def part(self, square: Square, image_px: int) -> Image:
        x, y, side = square
        rows = np.arange(y, y + side).clip(0, self.size_px[1] - 1)
        columns = np.arange(x, x + side).clip(0, self.size_px[0] - 1)
        part = np.ascontiguousarray(self._rgb[rows][:, columns])
        smaller = side > image_px
        resized = cv2.resize(part, (image_px, image_px), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        return np.asarray(resized, np.uint8)

    def edges_px(self, square: Square) -> Floats:
        return square.edges_px


def draw_chair(scene: Image, x: int, height: int, random: Random) -> None:
    """An office chair: back, seat, column, feet, arm rests."""
    colour, grey, y = random.integers(20, 120, 3).tolist(), (90, 90, 90), GROUND_PX

    def at(across: float, up: float) -> tuple[int, int]:
        return round(x + across * height), round(y - up * height)

    cv2.ellipse(scene, at(0, 0.75), (round(0.22 * height), round(0.3 * height)), 0, 0, 360, colour, -1, cv2.LINE_AA)
    cv2.rectangle(scene, at(-0.25, 0.42), at(0.25, 0.34), colour, -1)
    cv2.line(scene, at(0, 0.36), at(0, 0.1), grey, max(2, round(0.04 * height)), cv2.LINE_AA)
    for foot in (-0.3, -0.15, 0.15, 0.3):
        cv2.line(scene, at(0, 0.1), at(foot, 0), colour, max(2, round(0.03 * height)), cv2.LINE_AA)
    for side in (-0.3, 0.3):
        cv2.line(scene, at(side, 0.5), at(side, 0.38), colour, 3)


def draw_tree(scene: Image, x: int, height: int, random: Random) -> None:
    """A trunk that forks, and leaves."""
    bark, y = (70, 50, 35), GROUND_PX
    fork = (x, round(y - 0.5 * height))
    cv2.line(scene, (x, y), (x, round(y - 0.6 * height)), bark, round(0.08 * height), cv2.LINE_AA)
    for side in (-0.25, 0.25):
        end = (round(x + side * height), round(y - 0.75 * height))
        cv2.line(scene, fork, end, bark, round(0.04 * height), cv2.LINE_AA)
    for leaf in range(14):
        across, up = random.normal(0, 0.18), 0.8 + random.normal(0, 0.12)
        axes = (round(0.12 * height), round(0.1 * height))
        middle = (round(x + across * height), round(y - up * height))
        cv2.ellipse(scene, middle, axes, 0, 0, 360, (40 + 4 * leaf, 90 + 3 * leaf, 40), -1, cv2.LINE_AA)


def draw_car(scene: Image, x: int, length: int, random: Random) -> None:
    """A body, a roof and two wheels."""
    colour, y = random.integers(20, 230, 3).tolist(), GROUND_PX
    low, high = (round(x - 0.5 * length), round(y - 0.28 * length)), (round(x + 0.5 * length), round(y - 0.08 * length))
    cv2.rectangle(scene, low, high, colour, -1)
    roof = (round(0.3 * length), round(0.15 * length))
    cv2.ellipse(scene, (x, low[1]), roof, 0, 0, 360, colour, -1, cv2.LINE_AA)
    for side in (-0.3, 0.3):
        cv2.circle(scene, (round(x + side * length), high[1]), round(0.09 * length), (20, 20, 20), -1, cv2.LINE_AA)


def draw_poster(scene: Image, x: int, height: int, random: Random) -> None:
    """A picture of a walker in a frame."""
    walk = Walk(size_px=(480, 270), seconds=1.0, seed=int(random.integers(1, 100)))
    rgb, mask, _ = next(iter(draw_walk(walk)))
    middle = round(float(np.nonzero(mask)[1].mean()))
    width = round(0.6 * height)
    first = int(np.clip(middle - 81, 0, rgb.shape[1] - 162))
    part = rgb[:, first : first + 162]
    top = GROUND_PX - height - 20
    scene[top : top + height, x : x + width] = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    cv2.rectangle(scene, (x - 4, top - 4), (x + width + 4, top + height + 4), (240, 240, 240), 4)


KINDS: dict[str, Callable[[Image, int, int, Random], None]] = {
    "chairs": draw_chair,
    "trees": draw_tree,
    "cars": draw_car,
    "posters": draw_poster,
}


def empty_scene(kind: str, seed: int) -> Image:
    """Six things of a kind before a wall, three frames wide and two high."""
    random = np.random.default_rng((seed, len(kind)))
    scene = np.full((2 * HEIGHT_PX, 3 * WIDTH_PX, 3), 200, np.uint8)
    scene[:] = np.linspace(220, 150, 2 * HEIGHT_PX)[:, None, None].astype(np.uint8)
    scene[GROUND_PX:] = (120, 125, 115)
    for place in range(6):
        KINDS[kind](scene, 150 + 280 * place, int(random.uniform(140, 320)), random)
    return scene


def passed(scene: Image, frames: int, pan_px: float, seed: int) -> Iterator[Image]:
    """What a hand-held camera sees that pans by ``pan_px`` a frame."""
    random = np.random.default_rng(seed)
    for frame in range(frames):
        x = 1.5 * WIDTH_PX + pan_px * (frame - frames / 2) + random.normal(0, 0.5)
        y = 1.2 * HEIGHT_PX + random.normal(0, 0.5)
        seen = cv2.getRectSubPix(scene, (WIDTH_PX, HEIGHT_PX), (x, y))
        noisy = seen + random.normal(0, NOISE_LEVELS, seen.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def write_video(path: Path, frames: Iterator[Image]) -> None:
    """Write pictures (h, w, 3) of one even size as H.264."""
    part = path.with_suffix(".part")  # a killed run leaves no half of a video under its name
    first = next(frames)
    height, width = first.shape[:2]
    with av.open(str(part), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE_HZ, width=width, height=height)
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "16", "threads": "1"}
        for rgb in chain([first], frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")))
        container.mux(stream.encode())
    part.rename(path)
