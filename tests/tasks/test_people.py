"""The people stage: everybody by number, with a picture each, from a pose stage's files written by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conf.input import SubjectConf
from tasks.errors import NobodyFound
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.tracking.tracks import Track
from tasks.media.files.people_file import people_writer
from tasks.media.files.portraits_file import write_portraits
from tasks.media.files.tables import read_json
from tasks.media.matting.body_mask import crop_body_mask
from tasks.people import describe_people
from tasks.pose import NO_BODY_MASK
from tasks.records import Artifact
from tasks.requests import PeopleRequest, SubjectRequest
from tasks.subject import choose_subject
from tests.support.artifacts import artifact, clip_artifact, write_still_camera
from tests.support.drawn.bodies import RATE_HZ, SIZE_PX, walk

FRAMES = 90
POSTER = walk(0, 89, start_x=640, speed_px=0, stride=0.0, torso_px=150, origin=1)
LEFT = walk(0, 89, start_x=200, speed_px=0, stride=0.4, origin=2)
RIGHT = walk(20, 89, start_x=1100, speed_px=0, stride=0.4, origin=3, colour=5)


def found(folder: Path, *tracks: Track) -> Artifact[Any]:
    """The pose stage's files of ``tracks``; the pictures are named by what they show."""
    folder.mkdir()
    body = crop_body_mask(NO_BODY_MASK, np.array([0.0, 0.0, 1.0, 1.0]))
    with people_writer(folder) as writer:
        for frame in range(FRAMES):
            writer.frame(frame, frame / RATE_HZ, looked=True, shot=0)
            for track in tracks:
                for index in np.flatnonzero(track.frames == frame):
                    number = int(track.origin[0])
                    writer.sighting(frame, frame / RATE_HZ, number, track.landmarks[index], body)
                    writer.clothes(frame, number, track.clothes[index].astype(np.float32))
    pictures = {
        (int(track.origin[0]), frame): f"{track.origin[0]} {frame}".encode() for track in tracks for frame in (25, 80)
    }
    write_portraits(folder / "portraits.zip", pictures)
    write_still_camera(folder / "camera.parquet", np.arange(FRAMES) / RATE_HZ, SIZE_PX)
    return artifact("pose", folder)


@pytest.fixture
def clip(tmp_path: Path) -> Artifact[Any]:
    time_s = np.arange(FRAMES) / RATE_HZ
    nobody = np.full((FRAMES, 33), np.nan)
    track = PoseTrack(time_s, np.full((FRAMES, 33, 2), np.nan), nobody, nobody, nobody)
    return clip_artifact(tmp_path / "decode", track, SIZE_PX)


def test_everybody_has_a_number_a_place_and_a_picture_of_their_own(clip: Artifact[Any], tmp_path: Path) -> None:
    request = PeopleRequest(clip, found(tmp_path / "pose", POSTER, LEFT, RIGHT), 0.5)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        facts = describe_people(request, tmp_path / name, lambda _: None)
    assert facts["everybody"] == [1, 2]
    assert [one["place"] for one in facts["people"]] == [
        "at the left",
        "at the right, from 0.7 to 3.0 s",
        "in the middle, in front",
    ]
    assert [one["why_not"] for one in facts["people"]] == ["", "", "moves as one rigid piece, as a picture does"]
    assert read_json(tmp_path / "a" / "people.json") == {"people": facts["people"]}
    shown = [(tmp_path / "a" / f"person-{number}.jpg").read_bytes().split()[0] for number in (1, 2, 3)]
    assert shown == [b"2", b"3", b"1"]
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_where_nobody_is_a_person_nobody_is_to_have_results_and_the_choice_says_so(
    clip: Artifact[Any], tmp_path: Path
) -> None:
    pose = found(tmp_path / "pose", POSTER)
    for name in ("people", "subject"):
        (tmp_path / name).mkdir()
    facts = describe_people(PeopleRequest(clip, pose, 0.5), tmp_path / "people", lambda _: None)
    assert facts["everybody"] == [] and len(facts["people"]) == 1
    with pytest.raises(NobodyFound, match=r"no person found: .* as a picture does; .* choose it with subject=1$"):
        choose_subject(SubjectRequest(clip, pose, SubjectConf()), tmp_path / "subject", lambda _: None)
