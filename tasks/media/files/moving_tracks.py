"""Everybody's tracks with the motion of each torso over the background; the pose stage itself does not read this."""

from dataclasses import replace

import numpy as np

from tasks.maths.square_pixels import box_to_square
from tasks.maths.tracking.slides import shows_two_heads, slide_moments_s, with_slips
from tasks.maths.tracking.sway import with_scene_steps
from tasks.maths.tracking.tracks import Track
from tasks.media.files.camera_file import read_camera
from tasks.media.files.people_file import read_bodies, read_steps, read_tracks
from tasks.records import Artifact, FoundPeople


def read_moving_tracks(found: Artifact[FoundPeople], widening: float = 1.0) -> list[Track]:
    """All tracks in square pixels, in the order of their numbers. ``OutputError`` if a file is missing or damaged.

    ``widening`` says how wide the pixels of the source are (see ``tasks.maths.square_pixels``).
    """
    tracks = read_tracks(found.path("people.parquet"), found.path("clothes.parquet"))
    steps = read_steps(found.path("steps.parquet"), [int(track.origin[0]) for track in tracks])
    camera, _ = read_camera(found.path("camera.parquet"))
    moving = with_slips(with_scene_steps(tracks, steps, camera.to_scene, camera.group), steps)
    square = [track.scaled_across(widening) for track in moving]
    return [_with_heads(track, found, widening) if slide_moments_s(track) else track for track in square]


def _with_heads(track: Track, found: Artifact[FoundPeople], widening: float) -> Track:
    """The track with ``two_heads``. All masks are unpacked for that, so it is only asked for where the hips slip."""
    number = np.zeros(int(track.frames[-1]) + 1, np.int64)
    number[track.frames] = track.origin
    bodies = read_bodies(found.path("people.parquet"), found.path("bodies.npz"), number)
    shown = [body for frame, body in enumerate(bodies) if number[frame]]
    heads = [
        body is not None
        and shows_two_heads(body.probability, box_to_square(body.edges_px.astype(np.float64), widening), landmarks)
        for body, landmarks in zip(shown, track.landmarks, strict=True)
    ]
    return replace(track, two_heads=np.array(heads, np.bool_))
