"""Everybody's tracks with the motion of each torso over the background; the pose stage itself does not read this."""

from tasks.maths.tracking.slides import with_slips
from tasks.maths.tracking.sway import with_scene_steps
from tasks.maths.tracking.tracks import Track
from tasks.media.files.camera_file import read_camera
from tasks.media.files.people_file import read_steps, read_tracks
from tasks.records import Artifact, FoundPeople


def read_moving_tracks(found: Artifact[FoundPeople]) -> list[Track]:
    """All tracks, in the order of their numbers. ``OutputError`` if a file is missing or damaged."""
    tracks = read_tracks(found.path("people.parquet"), found.path("clothes.parquet"))
    steps = read_steps(found.path("steps.parquet"), [int(track.origin[0]) for track in tracks])
    camera, _ = read_camera(found.path("camera.parquet"))
    return with_slips(with_scene_steps(tracks, steps, camera.to_scene, camera.group), steps)
