"""Lengths of steps and the speed of a walk, in pixels: over the ground by the feet, over the background by the camera.

While both feet stand, the toes of the hind foot and the heel of the front foot do not move. So the length of a step
needs no camera: it is the distance of the two, and the length of the foot that stands flat. It holds on a treadmill and
for a camera that travels along. The speed over the background comes from the camera's own motion; it is that over the
ground only where the camera turns or stands still, since far things pass a travelling camera more slowly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HEELS, TOES, in_square_px
from tasks.maths.gait.events import FLAT_AFTER_STRIKE, SIDES, Side
from tasks.maths.gait.figures import Gait, Stride, other_side, spread
from tasks.maths.gait.side_view import SideView, changes_distance
from tasks.maths.path import affine
from tasks.maths.scene.camera_path import CameraPath

BOTH_STAND: Final = (0.0, 0.06)  # of a stride after a heel strike: the toes of the other foot leave at 0.12
METHOD_ERROR: Final = 0.04  # of a length, the largest of drawn walkers, see docs/accuracy.md
HEIGHT_ERROR: Final = 0.04  # of a scale that comes from the height: half of what people's limbs differ in, and 2 %


@dataclass(frozen=True)
class GroundFigure:
    """A figure over several strides, and how far its mean may be off (one standard deviation), in the same unit."""

    mean: float
    deviation: float  # standard deviation; NaN for one value
    count: int
    uncertainty: float


class Steps(NamedTuple):
    """What the strides of a clip show, in px and seconds. Each list has one value for each stride that shows it."""

    left_px: list[float]  # length of the steps with which the left foot lands
    right_px: list[float]
    stride_px: list[float]
    speed_px_per_s: list[float]  # over the ground, by the feet
    background_px_per_s: list[float]  # over the background, by the camera


def measured_steps(gait: Gait, hips_px: Floats, time_s: Floats, camera: CameraPath, pixel_aspect: float = 1.0) -> Steps:
    """The steps of all strides; ``hips_px`` (n, 2) is the middle of the hips in the source, NaN where not found.

    Parts in which the person comes nearer or goes away are left out: their lengths in the picture are too small.
    """
    steps = Steps([], [], [], [], [])
    over = affine.apply(camera.to_scene, hips_px) / affine.length_scale(camera.to_scene)[:, None]
    over = in_square_px(over, pixel_aspect)
    for part in gait.parts:
        if changes_distance(part):
            continue
        own = [one for one in gait.strides if part.time_s[0] <= one.start_s and one.end_s <= part.time_s[-1]]
        flat_px = {side: _flat_foot_px(part, side, own) for side in SIDES}
        for stride in own:
            other, length_s = other_side(stride.side), stride.end_s - stride.start_s
            first_px = _step_px(part, other, stride.other_strike_s, length_s, flat_px)
            second_px = _step_px(part, stride.side, stride.end_s, length_s, flat_px)
            (steps.left_px if other == "left" else steps.right_px).append(first_px)
            steps.stride_px.append(first_px + second_px)
            steps.speed_px_per_s.append((first_px + second_px) / length_s)
            steps.background_px_per_s.append(_moved_px(over, time_s, camera, stride) / length_s)
    return steps


def ground_figures(steps: Steps, px_per_m: float | None, *, from_height: bool) -> dict[str, GroundFigure]:
    """Speeds and lengths, in metres with ``px_per_m`` and else in px; what no stride shows is left out.

    The uncertainty is that of the mean over the strides, of the method, and of a scale ``from_height``.
    """
    unit, factor = ("px", 1.0) if px_per_m is None else ("m", 1 / px_per_m)
    share = float(np.hypot(METHOD_ERROR, HEIGHT_ERROR if from_height else 0.0))
    values = {
        f"speed_{unit}_per_s": steps.speed_px_per_s,
        f"background_speed_{unit}_per_s": steps.background_px_per_s,
        f"stride_length_{unit}": steps.stride_px,
        f"left_step_length_{unit}": steps.left_px,
        f"right_step_length_{unit}": steps.right_px,
    }
    figures = {}
    for name, found in values.items():
        one = spread(factor * np.array(found))
        if one.count:
            of_mean = one.deviation / np.sqrt(one.count) if one.count > 1 else 0.0
            uncertainty = float(np.hypot(of_mean, share * one.mean))
            figures[name] = GroundFigure(one.mean, one.deviation, one.count, uncertainty)
    return figures


def _flat_foot_px(part: SideView, side: Side, strides: Sequence[Stride]) -> float:
    """Length of the foot along the way while it stands flat; NaN where no stride of it is seen."""
    lengths = [length for stride in strides for length in _flat_lengths(part, side, stride)]
    return float(np.median(lengths)) if lengths else np.nan


def _flat_lengths(part: SideView, side: Side, stride: Stride) -> Iterator[float]:
    strike_s = stride.start_s if stride.side == side else stride.other_strike_s
    times_s = strike_s + np.linspace(*FLAT_AFTER_STRIKE, 5) * (stride.end_s - stride.start_s)
    if times_s[-1] <= part.time_s[-1]:
        number = SIDES.index(side)
        yield from (_along_px(part, TOES[number], times_s) - _along_px(part, HEELS[number], times_s)).tolist()


def _step_px(part: SideView, landing: Side, strike_s: float, stride_s: float, flat_px: dict[Side, float]) -> float:
    """Length of a step: from heel to heel, along the way."""
    times_s = strike_s + np.linspace(*BOTH_STAND, 4) * stride_s
    front, hind = SIDES.index(landing), SIDES.index(other_side(landing))
    apart_px = _along_px(part, HEELS[front], times_s) - _along_px(part, TOES[hind], times_s)
    return float(np.mean(apart_px)) + flat_px[other_side(landing)]


def _along_px(part: SideView, landmark: int, times_s: Floats) -> Floats:
    """Place of a landmark along the way, before the hips."""
    return np.asarray(np.interp(times_s, part.time_s, part.points[:, landmark, 0]) * part.torso_px)


def _moved_px(over: Floats, time_s: Floats, camera: CameraPath, stride: Stride) -> float:
    """How far the hips move over the background in a stride; NaN where the background is lost meanwhile."""
    times_s = (stride.start_s, stride.end_s)
    first, last = (int(np.searchsorted(time_s, at_s).clip(1, len(time_s) - 1)) for at_s in times_s)
    seen = np.isfinite(over[first - 1 : last + 1]).all()
    if camera.group[first - 1] != camera.group[last] or not seen:
        return np.nan
    ends = [np.array([np.interp(at_s, time_s, column) for column in over.T]) for at_s in times_s]
    return float(np.hypot(*(ends[1] - ends[0])))
