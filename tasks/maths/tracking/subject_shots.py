"""The subject through the shots of a clip: who it is in each, and at which moments it may be somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.errors import ChoiceNotFound, counted
from tasks.maths.arrays import Flags, Floats, equal_slices
from tasks.maths.tracking.subject_choice import choose_person, least_seen_s, person_facts, seen_gap_s
from tasks.maths.tracking.tracks import Track, clothes_changes_s, jump_indices

SizePx = tuple[int, int]


@dataclass(frozen=True)
class ShotSubject:
    """Who is followed in one shot."""

    first_s: float  # start of the shot, from the start of the clip
    person: int  # from 1; 0: nobody
    frames: int  # of the shot in which that person is seen


@dataclass(frozen=True)
class Identity:
    """What is known about the subject's identity; times are seconds from the start of the clip."""

    switches_s: list[float]  # from these moments on somebody else may be followed
    hidden_s: list[tuple[float, float]]  # from, to: behind somebody in similar clothes
    hidden_frames: int  # of the frames in those times, those without a sighting


def follow_through_shots(
    everybody: Sequence[Track],
    chosen: int,
    shot: NDArray[np.int64],
    time_s: Floats,
    size_px: SizePx,
    looked: Flags,
    *,
    rule: str | None,
    min_seen_s: float,
) -> tuple[list[Track], list[ShotSubject]]:
    """The pieces of the subject's track, one for each shot in which somebody is followed; and the subject of each shot.

    In a shot without person ``chosen`` (from 1) another person is chosen by ``rule``, if anybody there is surely one;
    nobody without a rule. ``shot`` (n,) and ``time_s`` (n,) are those of all frames, and ``looked`` (n,) says at which
    the pose model looked.
    """
    pieces, followed = [], []
    for frames in equal_slices(shot):
        number = int(shot[frames.start])
        there = {
            person: part
            for person, track in enumerate(everybody, start=1)
            if len(part := track.where(shot[track.frames] == number))
        }
        person = chosen if chosen in there else 0
        if not person and rule is not None:
            gap_s = seen_gap_s(time_s[frames][looked[frames]])
            person = _choose_anew(there, time_s[frames], size_px, rule, min_seen_s, gap_s)
        if person:
            pieces.append(there[person])
        first_s = round(float(time_s[frames.start] - time_s[0]), 3)
        followed.append(ShotSubject(first_s, person, len(there[person]) if person else 0))
    return pieces, followed


def follow_by_hand(
    pieces: Sequence[Track], everybody: Sequence[Track], people: Sequence[tuple[int, int]], shot: NDArray[np.int64]
) -> list[Track]:
    """The ``pieces``, corrected: from each frame of ``people`` (frame, number from 1) on, that person is followed.

    ``people`` is in order of the frames. ``shot`` (n,) is that of all frames: no piece reaches across a scene cut.
    ``ChoiceNotFound`` if nothing is left.
    """
    if not people:
        return list(pieces)
    kept = [piece.where(piece.frames < people[0][0]) for piece in pieces]
    ends = [frame for frame, _ in people[1:]] + [len(shot)]
    for (first, person), end in zip(people, ends, strict=True):
        track = everybody[person - 1]
        for frames in equal_slices(shot):
            begin, stop = max(first, frames.start), min(end, frames.stop)
            kept.append(track.where((track.frames >= begin) & (track.frames < stop)))
    found = [piece for piece in kept if len(piece)]
    if not found:
        cure = "look at the people of the report, and correct the number"
        raise ChoiceNotFound(f"corrections: the person is never seen from that frame on; {cure}")
    return found


def _choose_anew(
    there: dict[int, Track], time_s: Floats, size_px: SizePx, rule: str, min_seen_s: float, gap_s: float
) -> int:
    """The person (from 1) of one shot, at ``time_s``, to follow by ``rule``; 0 where nobody is surely a person."""
    least_s = least_seen_s(min_seen_s, float(time_s[-1] - time_s[0]))
    facts = [
        person_facts(person, part, len(time_s), size_px, float(time_s[0]), least_s=least_s, gap_s=gap_s)
        for person, part in there.items()
    ]
    sure = [person for person in facts if not person.doubt]
    return choose_person(sure, rule).person if sure else 0


def shot_notes(followed: Sequence[ShotSubject], chosen: int) -> list[str]:
    """One line on the shots in which somebody else than person ``chosen`` (from 1) is followed; none without such."""
    anew = [f"person {shot.person} from {shot.first_s:.2f} s on" for shot in followed if shot.person not in (0, chosen)]
    if not anew:
        return []
    return [f"after a scene cut nobody is surely person {chosen}: followed instead is {', '.join(anew)}"]


def identity_of(pieces: Sequence[Track], time_s: Floats) -> Identity:
    """What the subject's ``pieces``, one a shot, tell about the identity; ``time_s`` (n,) are the clip's frames."""
    start_s = float(time_s[0])
    switches, hidden, frames = [], [], 0
    for piece in pieces:
        switches += clothes_changes_s(piece)
        switches += piece.time_s[jump_indices(piece)].tolist()
        switches += [meeting.to_s for meeting in piece.met if not meeting.sure]
        for meeting in piece.met:
            within = (time_s > meeting.from_s) & (time_s < meeting.to_s)
            missing = int(within.sum()) - int(((piece.time_s > meeting.from_s) & (piece.time_s < meeting.to_s)).sum())
            if missing:
                hidden.append((round(meeting.from_s - start_s, 3), round(meeting.to_s - start_s, 3)))
                frames += missing
    return Identity([round(at_s - start_s, 3) for at_s in sorted(switches)], hidden, frames)


def identity_notes(identity: Identity) -> list[str]:
    """Lines on where the subject may be somebody else or was hidden; none where nobody came near."""
    notes = []
    if identity.switches_s:
        moments = ", ".join(f"{at_s:.2f}" for at_s in identity.switches_s)
        times = counted(len(identity.switches_s), "switch", "switches")
        notes.append(f"{times} of the person: from {moments} s on it may be somebody else; check it there")
    if identity.hidden_s:
        spans = ", ".join(f"{from_s:.2f} to {to_s:.2f} s" for from_s, to_s in identity.hidden_s)
        notes.append(f"hidden by somebody in similar clothes in {counted(identity.hidden_frames, 'frame')}: {spans}")
    return notes
