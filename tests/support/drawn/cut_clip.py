"""A drawn walk that is cut into shots: whole, nothing, zoomed and panning, nothing, zoomed elsewhere."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.demo.demo_video import write_rgb_video
from tasks.demo.footsteps import write_aac
from tasks.demo.walker import Walk, draw_walk, ground_truth
from tasks.maths.arrays import Bytes, Floats

ZOOM = 1.6
BLANK_LEVEL = 90


@dataclass(frozen=True)
class CutClip:
    """The clip and what is true of it."""

    path: Path
    shot: NDArray[np.int64]  # (n,)
    hip_xy: Floats  # (n, 2) NaN where nobody is


def write_cut_clip(
    folder: Path, whole: int, blank: int, panning: int = 22, blank_again: int = 6, last: int = 14, size: int = 480
) -> CutClip:
    """Frames of each of the five shots; the picture is ``size`` px wide, and the pan shows every second frame."""
    size_px = (size, round(size * 9 / 32) * 2)
    numbers = [*range(whole), *range(whole, whole + 2 * panning, 2), *range(20, 20 + last)]
    walk = Walk(size_px=size_px, seconds=(max(numbers) + 1) / 30)
    hip_xy = ground_truth(walk).hip_center_xy_px
    drawn = [rgb for rgb, _, _ in draw_walk(walk)]
    pan_px, aside_px = np.linspace(60, -60, panning) * size / 960, np.array([-60.0, -20.0]) * size / 960
    nothing = np.full_like(drawn[0], BLANK_LEVEL)
    pictures, hips = drawn[:whole] + [nothing] * blank, [*hip_xy[:whole], *[np.full(2, np.nan)] * blank]
    for number, across in zip(range(whole, whole + 2 * panning, 2), pan_px, strict=True):
        _add(pictures, hips, drawn[number], hip_xy[number], np.array([across, 0.0]))
    pictures += [nothing] * blank_again
    hips += [np.full(2, np.nan)] * blank_again
    for number in range(20, 20 + last):
        _add(pictures, hips, drawn[number], hip_xy[number], aside_px)
    sound = folder / "silence.mp4"
    write_aac(sound, iter([np.zeros(1024, np.float32)] * 8))
    path = folder / "cut.mp4"
    write_rgb_video(path, pictures, size_px=size_px, rate=Fraction(30), sound=sound)
    return CutClip(path, np.repeat(np.arange(5), [whole, blank, panning, blank_again, last]), np.array(hips))


def _add(pictures: list[Bytes], hips: list[Floats], rgb: Bytes, hip_xy: Floats, aside_px: Floats) -> None:
    """The picture zoomed about a point ``aside_px`` from the hips, and where the hips are in it."""
    size = np.array(rgb.shape[1::-1])
    corner = np.clip(hip_xy + aside_px - size / ZOOM / 2, 0, size - size / ZOOM)
    matrix = np.column_stack([ZOOM * np.eye(2), -ZOOM * corner])
    pictures.append(np.asarray(cv2.warpAffine(rgb, matrix, rgb.shape[1::-1], flags=cv2.INTER_LINEAR), np.uint8))
    hips.append(ZOOM * (hip_xy - corner))
