"""A drawn person who walks along a street, with the true joints, mask and path of every frame.

Everything follows from a ``Walk``: the same walk gives the same bytes. The origin of pixel positions is the centre of
the first pixel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

import numpy as np

from tasks.demo.gait import LEG_BH, Gait
from tasks.demo.skeleton import POINT_INDEX, Skeleton, skeleton_at
from tasks.demo.street import build_street, street_frame
from tasks.demo.walker_body import Figure, Outfit
from tasks.demo.walker_frame import draw_person, draw_post, draw_shadow
from tasks.errors import SettingError
from tasks.maths.arrays import Bytes, Floats
from tasks.maths.body.landmarks import LANDMARK_COUNT

_BATCH_FRAMES: Final = 64  # frames whose joints are computed together
_GROUND_SHARE: Final = 0.88  # of the frame's height: the ground below the walker
_CAMERA_ROOM_SHARE: Final = 0.34  # of the frame's width: largest distance of the walker from the middle
CAMERA_DISTANCE_BH: Final = 6.0  # from the walker's plane, in body heights
CAMERA_HEIGHT_BH: Final = 0.85  # in body heights
_SHAKE_HZ: Final = np.geomspace(0.35, 7.0, 14)  # frequencies of the hand-held shake


@dataclass(frozen=True)
class Walk:
    """The settings of a drawing. Lengths are shares of the frame's height, except ``speed``."""

    size_px: tuple[int, int] = (960, 540)
    seconds: float = 6.0
    fps: Fraction = Fraction(30)
    speed: float = 0.2  # of the frame's width per second over the ground; negative: to the left
    person: float = 0.63  # the person's height, as a share of the frame's
    heading_deg: float = 0.0  # 0: across the picture, 90: towards the camera, 180: to the left
    turn_deg_s: float = 0.0  # change of heading
    lean_deg: float = 0.0  # amplitude of the trunk's lean forward and back
    lean_hz: float = 0.4
    limp: float = 0.0  # 0 none, 1 strong
    bounce: float = 0.045  # vertical range of the pelvis, as a share of the leg's length; twice a stride
    shake_px: float = 3.0  # rms shake of the hand-held camera per axis, at 960 px width
    follow: float | None = None  # camera speed as a share of the walker's sideways speed; None: as much as needed
    cut_above_hips: bool = False  # the camera looks up, so that the hips are below the picture (try person=1.1)
    pole_s: float = 0.0  # seconds that the hips pass behind a post, halfway
    away_s: float = 0.0  # seconds that the walker is out of the picture, halfway, before coming back
    crossing: bool = False  # a second person crosses in front, halfway
    seed: int = 1

    def __post_init__(self) -> None:
        width, height = self.size_px
        _require(width >= 64 and height >= 64, f"a size of {width}x{height} px is too small", "64x64 or more")
        _require(width % 2 == 0 and height % 2 == 0, f"a size of {width}x{height} px is odd", "even numbers")
        _require(self.fps > 0, f"{self.fps} frames per second is no rate", "more than 0")
        _require(self.frames >= 1, f"{self.seconds} s at {self.fps} fps holds no frame", "a longer time")
        _require(abs(self.speed) >= 0.01, f"a speed of {self.speed} is no walk", "0.01 widths per second or more")
        _require(0.05 <= self.person <= 3, f"a height of {self.person} is out of range", "0.05 to 3")

    @property
    def frames(self) -> int:
        return round(Fraction(self.seconds) * self.fps)

    @property
    def height_px(self) -> float:
        """Height of the person halfway."""
        return self.person * self.size_px[1]


def _require(holds: bool, fact: str, cure: str) -> None:
    if not holds:
        raise SettingError(f"drawn walker: {fact}; give {cure}")


@dataclass(frozen=True)
class GroundTruth:
    """True joints of all frames in source pixels. NaN where a landmark is not modelled."""

    time_s: Floats  # (n,)
    joints_xy_px: Floats  # (n, 33, 2)
    hip_center_xy_px: Floats  # (n, 2) projection of the point halfway between the hip joints
    height_px: Floats  # (n,) of an upright body at the pelvis' distance


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks along -z. Lengths are in body heights.

    It stands at x = ``camera_travel``, y = ``CAMERA_HEIGHT_BH``, z = ``CAMERA_DISTANCE_BH``.
    """

    scale_px: float  # pixels of one body height in the plane z = 0
    center_px: tuple[float, float]  # the pixel of (camera_travel, CAMERA_HEIGHT_BH, 0)
    shake_px: float  # rms per axis
    seed: int
    travel_speed: float  # sideways, body heights per second
    middle_s: float  # when it is at x = 0


def walk_times(walker: Walk) -> Floats:
    """Start of every frame in seconds (n,)."""
    return np.arange(walker.frames) / float(walker.fps)


def ground_truth(walker: Walk) -> GroundTruth:
    """The true joints, without drawing."""
    time_s = walk_times(walker)
    body = skeleton_at(subject_gait(walker), time_s)
    xy, near = project_points(walk_camera(walker), body.xyz, time_s)
    return GroundTruth(
        time_s, xy[:, :LANDMARK_COUNT], xy[:, POINT_INDEX["hip_center"]], near[:, POINT_INDEX["hip_center"]]
    )


def draw_walk(walker: Walk) -> Iterator[tuple[Bytes, Bytes, Floats]]:
    """Frames in order: picture (h, w, 3) RGB, mask (h, w) of the visible walker 0..255, joints (33, 2) px."""
    people = [(subject_gait(walker), Outfit(pattern=walker.seed))]
    if walker.crossing:
        people.append((passer_by_gait(walker), _OTHER_OUTFIT))
    return draw_people(walker, people)


def draw_people(walker: Walk, people: Sequence[tuple[Gait, Outfit]]) -> Iterator[tuple[Bytes, Bytes, Floats]]:
    """``draw_walk`` with the gait and clothes of each person: first the walker, then those in front."""
    view_camera, scene = walk_camera(walker), build_street(walker.size_px, _raise_px(walker), walker.seed)
    times = walk_times(walker)
    for first in range(0, len(times), _BATCH_FRAMES):
        time_s = times[first : first + _BATCH_FRAMES]
        bodies = [skeleton_at(way, time_s) for way, _ in people]
        projected = [project_points(view_camera, body.xyz, time_s) for body in bodies]
        shift, gone = camera_shake(view_camera, time_s), camera_travel(view_camera, time_s) * view_camera.scale_px
        for row in range(len(time_s)):
            dx, dy = shift[row]
            rgb = street_frame(scene, gone[row], (dx, dy + _raise_px(walker)))
            mask = np.zeros(rgb.shape[:2], np.uint8)
            figures = [_figure(body, xy, near, row) for body, (xy, near) in zip(bodies, projected, strict=True)]
            for figure in figures:
                draw_shadow(rgb, figure)
            draw_person(rgb, mask, figures[0], people[0][1], of_subject=True)
            if walker.pole_s > 0:
                _pole(rgb, mask, walker, dx - gone[row], dy)
            for figure, (_, outfit) in zip(figures[1:], people[1:], strict=True):
                draw_person(rgb, mask, figure, outfit, of_subject=False)
            yield rgb, mask, projected[0][0][row, :LANDMARK_COUNT]


_OTHER_OUTFIT: Final = Outfit(
    shirt=(176, 92, 60),
    accent=(244, 226, 190),
    trousers=(58, 84, 78),
    skin=(156, 108, 82),
    hair=(30, 26, 26),
    shoes=(70, 70, 76),
    pattern=77,
)


def subject_gait(walker: Walk) -> Gait:
    """The subject's gait, in body heights."""
    speed = abs(walker.speed) * walker.size_px[0] / walker.height_px
    heading = np.deg2rad(walker.heading_deg + (180 if walker.speed < 0 else 0))
    middle_x = 0.0
    if walker.away_s > 0:
        edge = (walker.size_px[0] / 2) / walker.height_px + 0.35
        middle_x = float(np.sign(np.cos(heading)) * (edge + speed * walker.away_s / 2))
    return Gait(
        speed=speed,
        heading_rad=float(heading),
        turn_rad_s=float(np.deg2rad(walker.turn_deg_s)),
        turn_back=walker.away_s > 0,
        middle_s=walker.seconds / 2,
        middle=(middle_x, 0.0),
        phase=float(np.random.default_rng((walker.seed, 2)).random()),
        bounce=walker.bounce,
        lean_rad=float(np.deg2rad(walker.lean_deg)),
        lean_hz=walker.lean_hz,
        limp=walker.limp,
    )


def passer_by_gait(walker: Walk) -> Gait:
    """The gait of the second person of ``crossing``, who is nearer and comes from the other side."""
    own = subject_gait(walker)
    return Gait(speed=own.speed * 1.15, heading_rad=own.heading_rad + np.pi, middle_s=own.middle_s, middle=(0, 0.7))


def walk_camera(walker: Walk) -> Camera:
    """The camera: at rest, or travelling with the walker to keep him in the picture."""
    width, height = walker.size_px
    own = subject_gait(walker)
    speed_x = own.speed * np.cos(own.heading_rad)
    follow = walker.follow
    if follow is None:
        reach = 2 * _CAMERA_ROOM_SHARE * width / walker.height_px
        covered = abs(speed_x) * walker.seconds
        follow = 0.0 if walker.away_s > 0 or covered <= reach else 1 - reach / covered
    horizon = _GROUND_SHARE * height - 0.5 - CAMERA_HEIGHT_BH * walker.height_px
    return Camera(
        scale_px=walker.height_px,
        center_px=((width - 1) / 2, horizon + _raise_px(walker)),
        shake_px=walker.shake_px * width / 960,
        seed=walker.seed,
        travel_speed=float(speed_x * follow),
        middle_s=walker.seconds / 2,
    )


def _raise_px(walker: Walk) -> float:
    """How far the picture moves down when the camera looks up to cut off the hips."""
    if not walker.cut_above_hips:
        return 0.0
    hips = _GROUND_SHARE * walker.size_px[1] - (LEG_BH - 0.03) * walker.height_px
    lowest = walker.size_px[1] + 0.05 * walker.height_px + 3 * walker.shake_px
    return float(max(lowest - hips, 0))


def _figure(body: Skeleton, xy: Floats, near: Floats, row: int) -> Figure:
    return Figure(
        xy[row],
        near[row],
        body.xyz[row, :, 2],
        float(body.yaw_rad[row]),
        float(body.pelvis_rad[row]),
        float(body.shoulders_rad[row]),
    )


def _pole(rgb: Bytes, mask: Bytes, walker: Walk, shift_x_px: float, shift_y_px: float) -> None:
    """A post where the walker passes halfway. It is as wide as the walker's way in ``pole_s``."""
    width, height = walker.size_px
    half = max(walker.pole_s * abs(walker.speed) * width / 2, 1.0)
    foot = (_GROUND_SHARE + 0.06) * height + shift_y_px + _raise_px(walker)
    draw_post(rgb, mask, (width - 1) / 2 + shift_x_px, foot, half)


def camera_travel(camera: Camera, time_s: Floats) -> Floats:
    """The camera's x (n,) in body heights."""
    return camera.travel_speed * (time_s - camera.middle_s)


def camera_shake(camera: Camera, time_s: Floats) -> Floats:
    """Shift of the picture (n, 2) in px by an unsteady hand.

    Amplitude falls with frequency; the rms is ``shake_px``.
    """
    amplitude, phase = _shake_waves(camera.seed)
    angle = 2 * np.pi * _SHAKE_HZ[None, None, :] * time_s[:, None, None] + phase
    moved: Floats = camera.shake_px * np.sum(amplitude * np.sin(angle), axis=-1)
    return moved


@lru_cache(maxsize=16)
def _shake_waves(seed: int) -> tuple[Floats, Floats]:
    """Amplitudes (14,) of unit rms and phases (2, 14)."""
    random = np.random.default_rng((seed, 7))
    amplitude = _SHAKE_HZ**-0.9
    amplitude = amplitude / np.sqrt(np.sum(amplitude**2) / 2)
    return amplitude, random.uniform(0, 2 * np.pi, (2, len(_SHAKE_HZ)))


def project_points(camera: Camera, xyz: Floats, time_s: Floats) -> tuple[Floats, Floats]:
    """Pixels (n, m, 2) of points (n, m, 3), and the pixels of one body height at each (n, m)."""
    near = camera.scale_px * CAMERA_DISTANCE_BH / (CAMERA_DISTANCE_BH - xyz[..., 2])
    x = camera.center_px[0] + near * (xyz[..., 0] - camera_travel(camera, time_s)[:, None])
    y = camera.center_px[1] + near * (CAMERA_HEIGHT_BH - xyz[..., 1])
    return np.stack([x, y], axis=-1) + camera_shake(camera, time_s)[:, None], near
