"""The people stage: number everybody whom the pose stage found, and choose a small picture of each."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tasks.maths.body.landmarks import shown_share
from tasks.maths.tracking.everybody import number_people, place_text
from tasks.maths.tracking.squares import body_height_px
from tasks.maths.tracking.subject_choice import DOUBTS
from tasks.maths.tracking.tracks import Track
from tasks.media.files.moving_tracks import read_moving_tracks
from tasks.media.files.people_file import read_looked
from tasks.media.files.portraits_file import Portraits, read_portraits
from tasks.media.files.tables import write_json
from tasks.records import Tick, read_clip
from tasks.requests import PeopleRequest

PORTRAIT_NAME: Final = "person-{}.jpg"


def describe_people(request: PeopleRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``people.json``, which describes everybody by number, and a picture of each, ``person-<number>.jpg``.

    The fact ``everybody`` lists the numbers of the tracks that are surely people: those in doubt are left out.
    """
    clip, found = read_clip(request.clip), request.found
    time_s, looked, shot = read_looked(found.path("looked.parquet"))
    tracks, size_px = read_moving_tracks(found, clip.widening), clip.square_size_px
    everybody, people = number_people(tracks, shot, size_px, time_s, looked, request.min_seen_s)
    portraits = read_portraits(found.path("portraits.zip"))
    for person, track in zip(people, everybody, strict=True):
        if picture := _portrait(track, portraits, size_px):
            (folder / PORTRAIT_NAME.format(person.person)).write_bytes(picture)
    clip_s = float(time_s[-1] - time_s[0])
    described = [
        {
            **asdict(person.scaled_across(1 / clip.widening)),
            "place": place_text(person, people, size_px, clip_s),
            "why_not": DOUBTS.get(person.doubt, ""),
        }
        for person in people
    ]
    write_json(folder / "people.json", {"people": described})
    tick(len(time_s))
    return {"frames": len(time_s), "people": described, "everybody": [one.person for one in people if not one.doubt]}


def _portrait(track: Track, portraits: Portraits, size_px: tuple[int, int]) -> bytes:
    """The JPEG file that shows the person of ``track`` largest and most completely; empty if there is none."""
    sightings = {key: index for index, key in enumerate(zip(track.origin.tolist(), track.frames.tolist(), strict=True))}
    own = {key: track.landmarks[sightings[key]] for key in portraits if key in sightings}
    best = max(own, key=lambda key: shown_share(own[key], size_px) * body_height_px(own[key]), default=None)
    return b"" if best is None else portraits[best]
