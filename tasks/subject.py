"""The subject stage: link tracks to people, choose the subject, and write its pose and torso motion for the clip."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conf.input import SubjectConf
from tasks.errors import ChoiceNotFound, counted
from tasks.maths.arrays import Flags, Floats, equal_slices
from tasks.maths.body.landmarks import LANDMARK_COUNT, PoseTrack, exchange_sides
from tasks.maths.gait.legs import LEGS
from tasks.maths.gait.side_walks import exchanged_legs
from tasks.maths.path import framing
from tasks.maths.tracking import subject_choice, subject_track
from tasks.maths.tracking.everybody import choice_texts, number_people
from tasks.maths.tracking.subject_choice import PersonFacts, SubjectChoice
from tasks.maths.tracking.subject_shots import (
    follow_by_hand,
    follow_through_shots,
    identity_notes,
    identity_of,
    shot_notes,
)
from tasks.maths.tracking.subject_track import stitch_steps
from tasks.maths.tracking.tracks import Track, concatenate_tracks
from tasks.media.files.moving_tracks import read_moving_tracks
from tasks.media.files.people_file import read_looked, read_steps
from tasks.media.files.pose_file import write_pose
from tasks.media.files.tables import write_json, write_table
from tasks.records import Clip, Tick, read_clip
from tasks.requests import SubjectRequest

FEW_SHARE: Final = 0.2  # of the frames looked at: below it a warning says so


def choose_subject(request: SubjectRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``pose.parquet``, ``pose.csv``, ``motion.parquet`` of the subject, and ``subject.json``.

    Landmarks are NaN where the subject was not seen or the pose model did not look. Left and right are put right where
    the model exchanged them: all landmarks, or in a walk across the picture those of the legs. ``ChoiceNotFound`` for
    ``subject.point`` if nobody is there, and for a number that nobody has. ``NobodyFound`` if nothing that was followed
    is a person, unless the point or the number names it.
    """
    clip, found = read_clip(request.clip), request.found
    time_s, looked, shot = read_looked(found.path("looked.parquet"))
    tracks, size_px = read_moving_tracks(found, clip.widening), clip.square_size_px
    everybody, people = number_people(tracks, shot, size_px, time_s, looked, request.settings.min_seen_s)
    _require_people(request.people, len(people), len(time_s))
    choice = _choice(request.settings, people, everybody, clip, time_s)
    if request.people and request.people[0][0] == 0:
        choice = subject_choice.person_numbered(people, request.people[0][1])
    named = bool(request.people) or request.settings.point is not None or request.settings.person is not None
    rule = None if named else request.settings.rule.value
    pieces, followed = follow_through_shots(
        everybody, choice.person, shot, time_s, size_px, looked, rule=rule, min_seen_s=request.settings.min_seen_s
    )
    pieces = follow_by_hand(pieces, everybody, request.people, shot)
    identity = identity_of(pieces, time_s)
    sides = np.concatenate([subject_track.exchanged_sides(piece.time_s, piece.landmarks) for piece in pieces])
    chosen = concatenate_tracks(pieces)
    steps = stitch_steps(chosen, read_steps(found.path("steps.parquet"), set(chosen.origin.tolist())), len(time_s))
    landmarks = _by_frame(chosen.scaled_across(1 / clip.widening), len(time_s))
    _exchange(landmarks, chosen.frames[sides], range(LANDMARK_COUNT))
    pose = PoseTrack.of(time_s, landmarks)  # a view of them
    legs = _exchanged_legs(pose, shot, clip.pixel_aspect_value)
    _exchange(landmarks, np.flatnonzero(legs), LEGS)
    write_pose(folder / "pose.parquet", folder / "pose.csv", pose)
    known = {"looked": looked, "shot": shot, "track": _origin(chosen, len(time_s))}
    write_table(folder / "motion.parquet", {**known, **steps.columns})
    facts = {
        **_facts(chosen, looked, time_s),
        "identity_switches": len(identity.switches_s),
        **asdict(identity),
        "shots": [asdict(one) for one in followed],
        "rejected": sum(map(len, tracks)) - sum(map(len, everybody)),
        "sides_exchanged": int(sides.sum()),
        "legs_exchanged": int(legs.sum()),
        "people": [asdict(person.scaled_across(1 / clip.widening)) for person in people],
    }
    # without the reason: the same person gives the same bytes
    write_json(folder / "subject.json", {"person": choice.person, **facts})
    tick(len(time_s))
    who, others = choice_texts(people, choice.person, size_px, float(time_s[-1] - time_s[0]))
    notes = [*shot_notes(followed, choice.person), *identity_notes(identity)]
    if facts["detection_rate"] < FEW_SHARE:
        seen = f"{facts['detected']} of {counted(facts['looked'], 'frame')}"
        notes.insert(0, f"the person was found in only {seen}; check that it is the right one")
    return {**facts, "chosen": choice._asdict(), "followed": who, "others": others, "notes": notes}


def _require_people(by_hand: Sequence[tuple[int, int]], people: int, frames: int) -> None:
    """``ChoiceNotFound`` for corrections (frame, person) of people or frames that the clip does not have."""
    for frame, person in by_hand:
        if person > people:
            fact = f"corrections: frame {frame}: there is no person {person}"
            cure = "give 1" if people == 1 else f"give 1 to {people}"
            raise ChoiceNotFound(f"{fact}, {counted(people, 'person', 'people')} found; {cure}")
        if frame >= frames:
            raise ChoiceNotFound(f"corrections: frame {frame} is behind the last frame; give 0 to {frames - 1}")


def _origin(person: Track, frames: int) -> NDArray[np.int64]:
    """Number (frames,) of the track in which the person was found; 0 where not found."""
    origin = np.zeros(frames, np.int64)
    origin[person.frames] = person.origin
    return origin


def _choice(
    settings: SubjectConf, people: list[PersonFacts], everybody: list[Track], clip: Clip, time_s: Floats
) -> SubjectChoice:
    """The person that the settings choose."""
    if settings.person is not None:
        return subject_choice.person_numbered(people, settings.person)
    if settings.point is None:
        subject_choice.require_person(people, len(time_s))
        return subject_choice.choose_person(people, settings.rule.value)
    xy_px = framing.resolve_point("subject.point", settings.point, clip.size_px, "picture")
    stored = [track.scaled_across(1 / clip.widening) for track in everybody]
    number = subject_choice.person_at(stored, xy_px, settings.at_s, time_s)
    when = "" if settings.at_s is None else f" at {settings.at_s:g} s"
    place = f"person {number + 1} is at [{xy_px[0]:.0f},{xy_px[1]:.0f}] px{when}"
    return SubjectChoice(number + 1, f"{place}, {subject_choice.seen_text(people[number])}")


def _facts(chosen: Track, looked: Flags, time_s: Floats) -> dict[str, Any]:
    """Facts about the length of the subject's track."""
    count = int(looked.sum())
    return {
        "frames": len(time_s),
        "looked": count,
        "detected": len(chosen),
        "detection_rate": round(len(chosen) / count, 6),
        "nobody": count - len(chosen),
    }


def _by_frame(person: Track, frames: int) -> Floats:
    """The person's landmarks (frames, 33, 5) in every frame of the clip; NaN where not seen."""
    landmarks = np.full((frames, *person.landmarks.shape[1:]), np.nan)
    landmarks[person.frames] = person.landmarks
    return landmarks


def _exchange(landmarks: Floats, frames: NDArray[np.int64], points: Sequence[int]) -> None:
    """Exchange left and right of ``points`` in ``frames`` of ``landmarks``, in place: a copy takes 1.3 KB a frame."""
    landmarks[frames] = exchange_sides(landmarks[frames], np.ones(len(frames), np.bool_), points)


def _exchanged_legs(pose: PoseTrack, shot: NDArray[np.int64], pixel_aspect: float) -> Flags:
    """Frames (n,) in which the model exchanged the legs of a walker. Each shot (n,) is looked at by itself."""
    return np.concatenate([exchanged_legs(pose.part(frames), pixel_aspect) for frames in equal_slices(shot)])
