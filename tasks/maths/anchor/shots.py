"""The anchor of a clip of several shots: each shot by itself, since a scene cut moves everything.

A shot in which the anchor is never seen is absent as a whole, however short it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tasks.maths.anchor.anchor_point import Anchor, AnchorChoice
from tasks.maths.anchor.fusion import FusedAnchor
from tasks.maths.anchor.states import ABSENT
from tasks.maths.body.landmarks import PoseTrack


def anchor_of_shots(
    track: PoseTrack, shots: Sequence[slice], choose: Callable[[PoseTrack, slice], AnchorChoice]
) -> AnchorChoice:
    """The anchor that ``choose`` finds in each of the ``shots``, given the part of ``track`` and the frames.

    The point and the reason are those of the shot with the most frames with an anchor.
    """
    choices = [choose(track.part(shot), shot) for shot in shots]
    if len(choices) == 1:
        return choices[0]
    anchors = [choice.anchor for choice in choices]
    main = choices[int(np.argmax([np.isfinite(anchor.xy_px).all(axis=1).sum() for anchor in anchors]))]
    return AnchorChoice(
        Anchor(
            np.concatenate([anchor.xy_px for anchor in anchors]),
            np.concatenate([anchor.confidence for anchor in anchors]),
            np.concatenate([anchor.source for anchor in anchors]),
        ),
        main.point,
        main.why,
    )


def path_of_shots(anchor: Anchor, shots: Sequence[slice], find: Callable[[slice], FusedAnchor]) -> FusedAnchor:
    """The path that ``find`` gives for each of the ``shots``; zero and absent where a shot has no anchor at all.

    The reason is that of the longest shot with an anchor. ``ValueError`` where no shot has one.
    """
    seen = [bool(np.isfinite(anchor.xy_px[shot]).any()) for shot in shots]
    if not any(seen):
        raise ValueError("no shot has an anchor")
    parts = [
        find(shot) if there else _absent_path(shot.stop - shot.start) for shot, there in zip(shots, seen, strict=True)
    ]
    main = max((part for part, there in zip(parts, seen, strict=True) if there), key=lambda part: len(part.state))
    return replace(
        main,
        xy_px=np.concatenate([part.xy_px for part in parts]),
        state=np.concatenate([part.state for part in parts]),
        crossover_hz=np.concatenate([part.crossover_hz for part in parts]),
        rejected=sum(part.rejected for part in parts),
    )


def _absent_path(frames: int) -> FusedAnchor:
    return FusedAnchor(np.zeros((frames, 2)), np.full(frames, ABSENT), np.full(frames, np.nan), "", 0)
