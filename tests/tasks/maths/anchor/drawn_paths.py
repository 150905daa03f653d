"""Paths of a walker: the truth, a pose with its errors, and the steps of the torso's surface."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from tasks.maths.anchor.fusion import FusedAnchor, FusionSettings, fuse
from tasks.maths.arrays import Floats
from tasks.maths.tracking.steps import Step, Steps, steps_from_rows

TORSO = 100.0


@dataclass(frozen=True)
class Scene:
    """A path, the poses and steps measured of it, and the stride."""

    time_s: Floats
    truth: Floats
    pose: Floats
    step: Floats
    stride_hz: float

    def fused(self, settings: FusionSettings | None = None, guessed: NDArray[np.bool_] | None = None) -> FusedAnchor:
        return fuse(
            self.time_s,
            self.pose,
            np.ones(len(self.time_s)),
            steps_of(self.step),
            np.full(len(self.time_s), TORSO),
            stride_hz=np.full(len(self.time_s), self.stride_hz),
            guessed=guessed,
            settings=settings,
        )

    def error(self, path: Floats) -> float:
        """Standard deviation of the remaining error, both axes together, px."""
        return float(np.sqrt((path - self.truth).var(axis=0).sum()))


def steps_of(step: Floats) -> Steps:
    def row(dx: float, dy: float) -> Step:
        return Step(
            dx_px=dx, dy_px=dy, waist_dx_px=dx, waist_dy_px=dy, hip_dx_px=dx, hip_dy_px=dy,
            misfit_px=0.2, inlier_share=0.8, features=40,
        )  # fmt: skip

    return steps_from_rows(row(*xy) if np.isfinite(xy).all() else Step() for xy in step)


def scene(kind: str, seed: int = 1, seconds: float = 10.0, fps: float = 30.0) -> Scene:
    """A walk with poses that swing with the gait, and with features that drift according to ``kind``."""
    random = np.random.default_rng(seed)
    count = round(seconds * fps)
    time_s = np.arange(count) / fps
    phase = 2 * np.pi * time_s[:, None]
    truth = np.column_stack([40 * time_s, 300 + 3 * np.sin(phase[:, 0] * 2)])
    noise = random.normal(0, 0.5, (count, 2))
    swing = 2.5 * np.sqrt(2) * np.sin(phase * 1.0 + random.uniform(0, 6, 2))
    swing += 0.8 * np.sqrt(2) * np.sin(phase * 2.0 + random.uniform(0, 6, 2))
    slide = np.cumsum(random.normal(0, 0.3, (count, 2)), axis=0) / np.sqrt(fps) + time_s[:, None] * [
        1.0,
        -0.7,
    ]
    if kind == "lean":
        band = butter(2, [0.15, 0.9], "band", fs=fps, output="sos")
        wander = sosfiltfilt(band, random.normal(size=(count + 400, 2)), axis=0)[200:-200]
        slide = slide + 6 * wander / wander.std(axis=0)
        swing = np.zeros_like(swing)
    if kind == "turn":
        slide = slide + 20 / (1 + np.exp(-(time_s[:, None] - seconds / 2) * 6)) * [1.0, 0.2]
    step = np.diff(truth - slide, axis=0, prepend=np.nan)
    return Scene(time_s, truth, truth + swing + noise, step, np.nan if kind == "lean" else 1.0)
