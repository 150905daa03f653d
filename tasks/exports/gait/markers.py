"""The landmarks as markers of a motion laboratory: an even rate, axes to the right, up and towards the camera."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from conf.enums import ClipTime
from conf.exports import ScaleConf
from tasks.errors import VideoError
from tasks.exports.requests import ExportRequest
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.body.person_height import limb_height_px
from tasks.maths.frame_times import even_grid_s, interpolate_at, mean_rate_hz
from tasks.media.files.pose_file import read_pose
from tasks.records import Clip, read_clip

DEPTH_NOTE = "z is the depth that the pose model guesses from one picture, not a measurement"


class Markers(NamedTuple):
    """The markers of a clip. NaN where the person was not found."""

    time_s: Floats  # (n,) even
    rate_hz: float
    places: Floats  # (n, 33, 3) right, up, towards the camera; from the picture's lower left corner, z from the hips
    unit: str  # m or px
    notes: list[str]


def read_markers(request: ExportRequest) -> Markers:
    """The markers that a request of ``trc`` or ``c3d`` asks for. ``VideoError`` where there is no scale to be found."""
    clip = read_clip(request.clip)
    track = read_track(request, clip)
    aspect = clip.pixel_aspect_value
    x_px = (track.xy_px[..., 0] + 0.5) * aspect
    places = np.stack([x_px, clip.height_px - 0.5 - track.xy_px[..., 1], -track.z * aspect], axis=-1)
    time_s, notes = even_times(track.time_s), []
    if time_s is not track.time_s:
        notes.append(f"exports: {request.export} has the frames at an even rate, those of the file are uneven")
        places = at_times(time_s, track.time_s, places)
    if request.scale is None or not request.scale.given:
        cure = "give scale.height_m, such as scale.height_m=1.75, for metres"
        notes.append(f"exports: {request.export} is in pixels; {cure}")
        return Markers(time_s, mean_rate_hz(time_s), places, "px", notes)
    return Markers(time_s, mean_rate_hz(time_s), places / px_per_metre(request.scale, track, aspect), "m", notes)


def read_track(request: ExportRequest, clip: Clip) -> PoseTrack:
    """The landmarks at the times that are asked for: those of the file, or with slow motion those of the person."""
    track = read_pose(request.pose_file)
    if request.time is ClipTime.played or clip.slowed == 1:
        return track
    return replace(track, time_s=track.time_s[0] + (track.time_s - track.time_s[0]) / clip.slowed)


def px_per_metre(scale: ScaleConf, track: PoseTrack, pixel_aspect: float) -> float:
    """Pixels (of equal width and height) of a metre at the person's distance, for a scale that is given."""
    if scale.px_per_m is not None:
        return scale.px_per_m
    height_px = limb_height_px(track, pixel_aspect)
    if scale.height_m is None or not np.isfinite(height_px):
        raise VideoError("scale.height_m: nobody was found whose height could be measured; leave it out")
    return height_px / scale.height_m


def even_times(time_s: Floats) -> Floats:
    """Even times (n,), as many as the frames; ``time_s`` itself, the same object, where it is even."""
    if even_grid_s(time_s) is time_s:
        return time_s
    return np.linspace(time_s[0], time_s[-1], len(time_s))


def at_times(wanted_s: Floats, time_s: Floats, values: Floats) -> Floats:
    """``values`` (n, ...) at ``wanted_s`` (m,), linearly between frames; NaN beside a frame that is NaN."""
    flat = values.reshape(len(time_s), -1)
    return interpolate_at(wanted_s, time_s, flat).reshape(len(wanted_s), *values.shape[1:])
