"""A gray film of a walker whom somebody in nearly the same dark clothes overtakes in front."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tasks.demo.demo_video import write_rgb_video
from tasks.demo.footsteps import write_aac
from tasks.demo.gait import Gait
from tasks.demo.skeleton import POINT_INDEX, skeleton_at
from tasks.demo.walker import Walk, draw_people, project_points, subject_gait, walk_camera, walk_times
from tasks.demo.walker_body import Outfit
from tasks.maths.arrays import Floats

DARK = Outfit((48, 50, 56), (70, 72, 78), (40, 40, 46), (150, 130, 118), (40, 34, 30), (30, 30, 32))
GRAIN_LEVELS = 4.0  # standard deviation of the film's grain


@dataclass(frozen=True)
class GrayFilm:
    """The film, and where the hips of both truly are, (n, 2) px."""

    path: Path
    walker_xy: Floats
    other_xy: Floats
    height_px: float


def write_gray_film(folder: Path, *, seconds: float, speed: float, ahead_bh: float = 0.7) -> GrayFilm:
    """The other one is ``speed`` times as fast (negative: the other way), and ``ahead_bh`` nearer to the camera."""
    walk = Walk(size_px=(640, 360), seconds=seconds, fps=Fraction(25), person=0.5, speed=0.12)
    own = subject_gait(walk)
    heading_rad = own.heading_rad + (np.pi if speed < 0 else 0)
    other = Gait(
        abs(speed) * own.speed, heading_rad=heading_rad, middle_s=own.middle_s, middle=(0, ahead_bh), phase=0.3
    )
    people = [(own, DARK), (other, replace(DARK, shirt=(52, 54, 58), pattern=77))]
    grain = np.random.default_rng(5)
    pictures = []
    for rgb, _, _ in draw_people(walk, people):
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) + grain.normal(0, GRAIN_LEVELS, rgb.shape[:2])
        pictures.append(np.repeat(np.clip(gray, 0, 255).astype(np.uint8)[..., None], 3, axis=2))
    sound, path = folder / "silence.mp4", folder / "gray.mp4"
    write_aac(sound, iter([np.zeros(1024, np.float32)] * 8))
    write_rgb_video(path, pictures, size_px=walk.size_px, rate=walk.fps, sound=sound)
    camera, time_s, hips = walk_camera(walk), walk_times(walk), POINT_INDEX["hip_center"]
    places = [project_points(camera, skeleton_at(way, time_s).xyz, time_s)[0][:, hips] for way, _ in people]
    return GrayFilm(path, places[0], places[1], walk.height_px)
