"""Whether a track follows a person: a body that the model is sure of, and that moves as bodies do.

Three kinds of tracks follow no person. In trees, cars or furniture the model imagines a body: it is unsure of most
landmarks, and they tremble without going anywhere, or wander over leaves that rest. In an animal it sees limbs whose
lengths jump from frame to frame. And a picture of a person moves as one rigid piece: no limb goes anywhere. People who
stand or sit still sway and move their limbs a little, slowly and evenly. The sway is measured against the background.
It must be larger where the camera travels. The limits were measured on the clips of
``tests.benchmarks.kinds_table``.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import (
    FEET,
    HIPS,
    LANDMARK_NAMES,
    SHOULDERS,
    hip_midpoint,
    inside_picture,
    torso_length_px,
)
from tasks.maths.tracking.sway import UNKNOWN_SWAY, Sway, measure_sway, moving_mean

LIMBS: Final = tuple(
    LANDMARK_NAMES.index(f"{side}_{joint}")
    for joint in ("elbow", "wrist", "knee", "ankle")
    for side in ("left", "right")
)
TRUNK_AND_NOSE: Final = (0, *SHOULDERS, *HIPS)  # landmark 0 is the nose
BONES: Final = tuple(
    (LANDMARK_NAMES.index(f"{side}_{upper}"), LANDMARK_NAMES.index(f"{side}_{lower}"))
    for upper, lower in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    for side in ("left", "right")
)
SMOOTHING_S: Final = 0.3  # limb paths are averaged over this, so that only what goes somewhere counts
PART_S: Final = 1.5  # motion is measured in parts of this length
FEWEST_IN_PART: Final = 5  # sightings in a part
SETTLING: Final = 2  # sightings in which the model's filter settles: the limbs of a poster move by 5 % of its height
WHOLE_SHARE: Final = 0.25  # of the sightings that the edge does not cut: with fewer, the others count too
INSIDE_SHARE: Final = 0.5  # of the sightings in which a landmark lies inside the picture: with less it does not count
SURE_VISIBILITY: Final = 0.8  # of trunk and limbs: below it the body may be imagined
SURE_TRUNK_VISIBILITY: Final = 0.95  # people in the sample clips, also cut ones: 0.96 to 1; drawn trees: 0.87
# The same where the torso rests: a drawn tree 0.86. All people of 20 filmed clips sway, or are seen surely (0.99).
STILL_VISIBILITY: Final = 0.9
LEAST_VISIBILITY: Final = 0.66  # below it the body is imagined
COHERENT_RATIO: Final = 10.0  # limb path / tremble: real limbs exceed it where the model is unsure
NOISE_RATIO: Final = 2.5  # limb path / tremble: below it there is nothing but noise
RIGID_PX: Final = 1.6  # limb path of a rigid picture: noise of the model in px, plus
RIGID_TORSOS: Final = 0.01  # in torso lengths
DOUBTED_TORSOS: Final = 0.04  # the same where the camera travels, or the torso is one with the background
TRAVEL_TORSOS: Final = 0.3  # way of the background through the picture from which on the camera travels
SWAY_PX: Final = 0.2  # range of a torso that sways: more than the measurement's error in px, plus
SWAY_TORSOS: Final = 0.004  # in torso lengths: 2 mm of a grown-up; photos reached 0.19 px
TRAVEL_FACTOR: Final = 1.5  # of the same where the camera travels: drawn mannequins reached 1.4, people 1.4 to 5.5
PARALLAX_SHARE: Final = 0.12  # of the uneven motion that the camera's way explains: so much may be left of it
GLUED_FACTOR: Final = 3.0  # of the same: whatever moves by less over the background is one with it
GLUED_RATIO: Final = 6.0  # limb path / tremble: legs that the model takes for one another stay below it in a picture
# Way of the hip landmarks over a torso that does not sway: at most 0.08 in 34 clips of people, mannequins and photos,
# 0.48 to 0.70 in three drawn trees. A walker in blended frames reached 0.68: there the model is sure (0.99).
# Who goes farther walks, whatever the features lie on: at a metre a second about 4 torso lengths in a part of 2 s.
WANDER_TORSOS: Final = (0.25, 1.5)
WANDER_VISIBILITY: Final = 0.9  # the three trees: 0.70 to 0.85
# Tremble of the lengths of limbs, in torso lengths. In about 50 clips of people at 24 Hz and more: 0.023 at most, 0.039
# where the frame hides the legs; a computer-generated fox: 0.062. At 15 Hz dancers reach 0.06: limbs turn between two
# sightings.
STEADY_BONES_TORSOS: Final = 0.05
BONE_GAP_S: Final = 0.05  # between sightings: farther apart they tell nothing of the tremble
STEADY_VISIBILITY: Final = 0.95  # the fox: 0.92
MAD_TO_STD: Final = 1.4826  # of a normal distribution


@dataclass(frozen=True)
class Liveness:
    """What speaks for a person."""

    visibility: float  # mean, of the trunk and of the more visible half of the limbs
    trunk_visibility: float  # mean, of shoulders, hips and nose
    limb_path: float  # torso lengths that limbs go relative to the hips, tremble averaged out: most of any part
    coherence: float  # the same, divided by the tremble; both are infinite where sightings are too few to tell
    torso_px: float
    sway: Sway = UNKNOWN_SWAY
    bone_tremble: float = np.nan  # torso lengths by which the lengths of limbs tremble; NaN where that is not known

    @property
    def misshapen(self) -> bool:
        """Arms and legs do not keep their lengths, and the model is not quite sure of them: an animal."""
        return self.bone_tremble > STEADY_BONES_TORSOS and self.visibility < STEADY_VISIBILITY  # NaN compares as False

    @property
    def sways(self) -> bool:
        """The torso moves against the background, more than the way of the camera makes it seem."""
        if not self._camera_travels:
            return self.sway.body_px > self._least_sway_px
        parallax_px = np.sqrt(max(self.sway.body_px**2 - self.sway.own_px**2, 0.0))
        return bool(self.sway.own_px > TRAVEL_FACTOR * self._least_sway_px + PARALLAX_SHARE * parallax_px)

    @property
    def _least_sway_px(self) -> float:
        return SWAY_PX + SWAY_TORSOS * self.torso_px

    @property
    def rigid(self) -> bool:
        """No limb goes anywhere, and the torso does not sway: a picture, a statue, furniture."""
        glued = self.sway.way_px < GLUED_FACTOR * self._least_sway_px  # NaN compares as False
        torsos = DOUBTED_TORSOS if glued or self._camera_travels else RIGID_TORSOS
        short = self.limb_path * self.torso_px < RIGID_PX + torsos * self.torso_px
        return (short or self.coherence < (GLUED_RATIO if glued else NOISE_RATIO)) and not self.sways

    @property
    def _camera_travels(self) -> bool:
        return self.sway.camera_px > TRAVEL_TORSOS * self.torso_px  # NaN compares as False

    @property
    def imagined(self) -> bool:
        """The model is unsure of the body, which trembles more than it moves.

        Legs that the frame or a machine hides are guessed: then a sure trunk is enough. But where the hips wander over
        a torso that rests, the model imagines a body too.
        """
        least, most = WANDER_TORSOS
        wanders = least < self.sway.slip_px / self.torso_px < most and not self.sways  # NaN compares as False
        if wanders and self.visibility < WANDER_VISIBILITY:
            return True
        most, trunk = SURE_VISIBILITY, self.trunk_visibility
        if np.isfinite(self.sway.body_px) and not self.sways:
            most, trunk = STILL_VISIBILITY, 0.0  # a trunk that rests says nothing
        unsure = self.visibility < most and self.coherence < COHERENT_RATIO
        return self.visibility < LEAST_VISIBILITY or (unsure and trunk < SURE_TRUNK_VISIBILITY)


def measure_liveness(
    time_s: Floats,
    landmarks: Floats,
    size_px: tuple[int, int],
    scene_step: Floats | None = None,
    slip_step: Floats | None = None,
) -> Liveness:
    """The liveness of one person, by landmarks (k, 33, 5) in source pixels at rising times (k,).

    ``scene_step`` (k, 2) is the torso's motion over the background since the sighting before, if that is known, and
    ``slip_step`` (k, 2) that of the hip landmarks over the torso. ``size_px`` is the picture's (width, height).
    Sightings that the edge of the picture cuts do not count where there are enough others: there the model guesses.
    """
    sway = UNKNOWN_SWAY
    if scene_step is not None:
        sway = measure_sway(time_s, hip_midpoint(landmarks), scene_step, slip_step)
    whole = _inside(landmarks, size_px)
    if not whole.all() and whole.sum() >= max(FEWEST_IN_PART, WHOLE_SHARE * len(whole)):
        time_s, landmarks = time_s[whole], landmarks[whole]
    if len(time_s) >= FEWEST_IN_PART + SETTLING:
        time_s, landmarks = time_s[SETTLING:], landmarks[SETTLING:]
    torso_px = max(float(np.median(torso_length_px(landmarks))), 1.0)
    seen = landmarks[:, :, 3].mean(axis=0)
    limbs, trunk = (_mostly_inside(points, landmarks, size_px) for points in (LIMBS, TRUNK_AND_NOSE))
    moving = limbs if len(limbs) else np.array(LIMBS)
    clear = moving[seen[moving] >= np.median(seen[moving])]
    shown_trunk = trunk if len(trunk) else np.array(TRUNK_AND_NOSE)
    shown = np.concatenate([shown_trunk, clear]) if len(limbs) else shown_trunk
    visibility, trunk_visibility = float(seen[shown].mean()), float(seen[shown_trunk].mean())
    shape = (landmarks[:, clear, :2] - hip_midpoint(landmarks)[:, None]) / torso_px
    path, tremble = _limb_motion(time_s, shape)
    coherence = round(path / max(tremble, 1e-6), 2)
    bones = _bone_tremble(time_s, landmarks, frozenset(np.concatenate([limbs, trunk]).tolist())) / torso_px
    return Liveness(
        round(visibility, 3),
        round(trunk_visibility, 3),
        round(path, 4),
        coherence,
        round(torso_px, 1),
        sway,
        round(bones, 4),
    )


def _inside(landmarks: Floats, size_px: tuple[int, int]) -> Flags:
    """(k,) whether trunk, limbs and feet all lie inside the picture."""
    points = landmarks[:, [*TRUNK_AND_NOSE, *LIMBS, *FEET], :2]
    return np.asarray(inside_picture(points, size_px).all(axis=1))


def _mostly_inside(points: tuple[int, ...], landmarks: Floats, size_px: tuple[int, int]) -> NDArray[np.int64]:
    """The ``points`` that lie inside the picture in half of the sightings.

    Of a body that the frame cuts, only what is shown tells how sure the model is.
    """
    inside = inside_picture(landmarks[:, list(points), :2], size_px).mean(axis=0) >= INSIDE_SHARE
    return np.asarray(np.array(points, np.int64)[inside])


def _limb_motion(time_s: Floats, shape: Floats) -> tuple[float, float]:
    """How far limbs (k, m, 2) go about the hips in the liveliest part of ``PART_S``, and their mean tremble.

    In each part the half of the limbs that goes farther counts: somebody who stands may move one arm only.
    """
    paths, trembles = [], []
    for start_s in np.arange(time_s[0], max(time_s[-1] - PART_S / 2, time_s[0] + 1e-6), PART_S):
        part = shape[(time_s >= start_s) & (time_s < start_s + PART_S)]
        if len(part) < FEWEST_IN_PART:
            continue
        width = int(np.clip(round(SMOOTHING_S / PART_S * len(part)), 1, len(part) - 2))
        path = np.sort(np.hypot(*np.moveaxis(np.ptp(moving_mean(part, width), axis=0), -1, 0)))
        paths.append(float(path[len(path) // 2 :].mean()))
        # White noise of variance s^2 has second differences of variance 6 s^2.
        bend = np.diff(part, n=2, axis=0) / np.sqrt(6)
        trembles.append(float(np.sqrt((bend**2).sum(axis=-1).mean(axis=0)).mean()))
    return (max(paths), float(np.mean(trembles))) if paths else (np.inf, 1.0)


def _bone_tremble(time_s: Floats, landmarks: Floats, shown: frozenset[int]) -> float:
    """Px by which the lengths of upper and lower arms and legs tremble, of those with both ends ``shown``: the median.

    NaN where there is none, or where too few sightings follow one another closely.
    """
    bones = np.array([bone for bone in BONES if shown.issuperset(bone)], np.int64).reshape(-1, 2)
    close = np.diff(time_s) <= BONE_GAP_S
    close = close[1:] & close[:-1]
    if not len(bones) or close.sum() < FEWEST_IN_PART:
        return np.nan
    length_px = np.hypot(*np.moveaxis(landmarks[:, bones[:, 0], :2] - landmarks[:, bones[:, 1], :2], -1, 0))
    bend = np.abs(np.diff(length_px, n=2, axis=0))[close] / np.sqrt(6)  # as in ``_limb_motion``
    return float(MAD_TO_STD * np.median(np.median(bend, axis=0)))
