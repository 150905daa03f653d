"""Whether the subject is one person throughout: moments at which it may be somebody else, and times behind others."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.maths.arrays import Floats
from tasks.maths.tracking.tracks import Track, clothes_changes_s, jump_indices


@dataclass(frozen=True)
class Identity:
    """What is known about the subject's identity; times are seconds from the start of the clip."""

    switches_s: list[float]  # from these moments on somebody else may be followed
    hidden_s: list[tuple[float, float]]  # from, to: behind somebody in similar clothes
    hidden_frames: int  # of the frames in those times, those without a sighting


def identity_of(pieces: Sequence[Track], time_s: Floats) -> Identity:
    """Of the subject's pieces, one a shot, in a clip with frames at ``time_s`` (n,)."""
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
    """What to say of it, a line for each kind of event; none where the subject was seen alone throughout."""
    notes = []
    if identity.switches_s:
        moments = ", ".join(f"{at_s:.2f}" for at_s in identity.switches_s)
        count = len(identity.switches_s)
        times = "1 switch" if count == 1 else f"{count} switches"
        notes.append(f"{times} of the person: from {moments} s on it may be somebody else; check it there")
    if identity.hidden_s:
        spans = ", ".join(f"{from_s:.2f} to {to_s:.2f} s" for from_s, to_s in identity.hidden_s)
        notes.append(f"hidden by somebody in similar clothes in {identity.hidden_frames} frames: {spans}")
    return notes
