"""The offsets stage: the anchor of each frame, its offset to the target, and the pose as a timeline."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conf.enums import AnchorMethod, AnchorPoint
from conf.lock import AnchorConf
from tasks.errors import AnchorNotSeen, NobodyFound, SettingError, counted, writing
from tasks.maths.anchor import gaps
from tasks.maths.anchor.anchor_point import (
    Anchor,
    AnchorChoice,
    choose_anchor,
    corrected_anchor,
    cut_by_side,
    hide_outside_landmarks,
    mask_anchor,
)
from tasks.maths.anchor.fusion import FusedAnchor, FusionSettings, fuse
from tasks.maths.anchor.gaps import AbsenceRule, longest_shot, mark_absent_in_shots, settle_absent_in_shots
from tasks.maths.anchor.shots import anchor_of_shots, path_of_shots
from tasks.maths.anchor.states import ABSENT, SEEN_STATES
from tasks.maths.arrays import Flags, Floats, Labels, equal_slices
from tasks.maths.body.landmarks import LANDMARK_NAMES, PoseTrack, torso_length_px
from tasks.maths.body.stride import pose_stride_hz
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import framing, window
from tasks.maths.scene import auto_target
from tasks.maths.scene.auto_target import ChosenTarget
from tasks.maths.square_pixels import to_source, to_square
from tasks.maths.tracking.steps import Steps, steps_from_table
from tasks.media.files.masks_file import MaskState, read_masks
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_table, write_json, write_table
from tasks.records import Clip, Tick, read_clip
from tasks.requests import OffsetsRequest
from tasks.untrusted.corrections_file import Corrections


def measure_offsets(request: OffsetsRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``offsets.parquet``, ``framing.json`` and ``pose.json``; facts: how much of the clip was measured.

    The offset is the target minus the anchor: a frame moved by it has its anchor at the target. ``NobodyFound`` when no
    frame shows a person, ``AnchorNotSeen`` when none shows the anchor's point.
    """
    clip = read_clip(request.clip)
    size_px = window.stabilized_size(clip.size_px, request.crop, clip.pixel_aspect_value)
    pose = read_pose(request.subject.path("pose.parquet"))
    settings = request.settings
    motion = read_table(request.subject.path("motion.parquet"))
    shots = equal_slices(motion["shot"])
    chosen, given, absent = _corrected_choice(pose, shots, clip, request)
    square_anchor = replace(chosen.anchor, xy_px=to_square(chosen.anchor.xy_px, clip.widening))
    square = pose.in_square_px(clip.widening)
    cut = cut_by_side(square, clip.square_size_px[0])
    steps = steps_from_table(motion).scaled_across(clip.widening)
    path = path_of_shots(
        chosen.anchor,
        shots,
        lambda part: _anchor_path(
            square.part(part), square_anchor.part(part), steps.part(part), settings, given[part], cut[part]
        ),
    )
    path = replace(path, xy_px=to_source(path.xy_px, clip.widening))
    state = mark_absent_in_shots(pose.time_s, path.state, shots, settings.longest_gap_s)
    state = np.where(absent, ABSENT, state)
    seen_px = np.where(np.isin(state, SEEN_STATES)[:, None], path.xy_px, np.nan)
    targets = [_target(request.target, pose.part(shot), seen_px[shot], clip, size_px) for shot in shots]
    target_xy = np.repeat([target.xy_px for target in targets], [shot.stop - shot.start for shot in shots], axis=0)
    main = targets[longest_shot(seen_px, shots)]
    # the offset that centres the original picture
    middle_px = ((size_px[0] - clip.width_px) / 2, (size_px[1] - clip.height_px) / 2)
    away = AbsenceRule(settings.away.value, settings.ease_s, middle_px)
    offset_px = settle_absent_in_shots(pose.time_s, target_xy - path.xy_px, state, shots, away, away.rest_px)
    columns = _columns(pose.time_s, motion["shot"], target_xy - offset_px, offset_px, chosen.anchor, state)
    write_table(folder / "offsets.parquet", columns | {"crossover_hz": path.crossover_hz})
    framing_record = {
        "output_size_px": size_px,
        "target_px": main.xy_px,
        "targets_px": [target.xy_px for target in targets],
        "away": away._asdict(),
    }
    write_json(folder / "framing.json", framing_record)
    _write_timeline(folder / "pose.json", clip, pose, _hip_centers(pose.time_s, path.xy_px, chosen.anchor, state), tick)
    return _facts(pose, motion["looked"], chosen, path, state, main.why)


def _corrected_choice(
    pose: PoseTrack, shots: list[slice], clip: Clip, request: OffsetsRequest
) -> tuple[AnchorChoice, Flags, Flags]:
    """The anchor of each frame with the user's corrections, and which frames (n,) these give a point or call absent."""
    shown = hide_outside_landmarks(pose, clip.size_px)
    chosen, by_hand = _anchor(shown, shots, clip.widening, request), request.corrections
    _require_frames(by_hand, pose.frames)
    if not by_hand.points:
        _require_anchor(pose, chosen.anchor, request.settings)
    anchor, given, absent = corrected_anchor(chosen.anchor, by_hand.points, by_hand.absences)
    if not np.isfinite(anchor.xy_px).any():
        raise AnchorNotSeen("the corrections say that nobody is there in any frame; shorten the absences")
    return replace(chosen, anchor=anchor), given, absent


def _anchor(pose: PoseTrack, shots: list[slice], widening: float, request: OffsetsRequest) -> AnchorChoice:
    """The anchor of each frame, from landmarks that lie in the picture, and from masks if they are used."""
    settings, masks = request.settings, _mask_centre(request)
    masks = masks and replace(masks, xy_px=to_square(masks.xy_px, widening))
    chosen = anchor_of_shots(
        pose.in_square_px(widening),
        shots,
        lambda part, frames: choose_anchor(
            part,
            settings.point.value,
            min_confidence=settings.min_confidence,
            weighted=settings.method is AnchorMethod.weighted,
            landmarks=settings.landmarks,
            mask=masks and masks.part(frames),
        ),
    )
    return replace(chosen, anchor=replace(chosen.anchor, xy_px=to_source(chosen.anchor.xy_px, widening)))


def _target(
    target: tuple[float, float] | str, pose: PoseTrack, anchor_px: Floats, clip: Clip, size_px: tuple[int, int]
) -> ChosenTarget:
    """Where the anchor (n, 2) of a shot, NaN where it is not seen, is held in an output of ``size_px``."""
    if target in ("auto", "natural"):
        aspect = clip.pixel_aspect_value
        return auto_target.target_by_word(str(target), pose, anchor_px, clip.size_px, size_px, pixel_aspect=aspect)
    return ChosenTarget(framing.resolve_target(target, size_px), "")


def _mask_centre(request: OffsetsRequest) -> Anchor | None:
    """The anchor from the person's masks; None if masks are not used."""
    if request.masks is None:
        return None
    masks = read_masks(request.masks.path("masks.npz"))
    return mask_anchor((mask.probability, mask.edges_px, mask.state is not MaskState.nobody) for mask in masks)


def _anchor_path(
    pose: PoseTrack, anchor: Anchor, steps: Steps, settings: AnchorConf, given: Flags, cut: Flags
) -> FusedAnchor:
    """The anchor's path through a shot: fused with the torso's motion, or the pose alone with its gaps filled.

    Everything is in square pixels.
    """
    if settings.fusion:
        return fuse(
            pose.time_s,
            anchor.xy_px,
            anchor.confidence,
            steps,
            torso_length_px(pose.xy_px),
            stride_hz=pose_stride_hz(pose),
            given=given,
            guessed=cut,
            settings=FusionSettings(crossover_hz=settings.crossover_hz, longest_bridge_s=settings.trust_s),
        )
    filled, state = gaps.fill_gaps(pose.time_s, anchor.xy_px, interpolate=settings.interpolate)
    return FusedAnchor(filled, state, np.full(len(state), np.nan), "pose alone", 0)


def _facts(
    pose: PoseTrack, looked: Flags, chosen: AnchorChoice, path: FusedAnchor, state: Labels, why: str
) -> dict[str, Any]:
    """Facts about the anchor, for the summary."""
    sources, counts = np.unique(chosen.anchor.source, return_counts=True)
    coverage = lock_metrics.pose_coverage(pose.time_s, looked, pose.found, state)
    return {
        "frames": pose.frames,
        **{name: round(value, 6) for name, value in coverage.items()},
        "states": {name: int((state == name).sum()) for name in sorted(set(state.tolist()))},
        "confidence_mean": round(float(np.nanmean(chosen.anchor.confidence)), 6),
        "point": chosen.point,
        "sources": dict(zip(sources.tolist(), counts.tolist(), strict=True)),
        "fusion": path.reason,
        "rejected": path.rejected,
        "target": why,
        "notes": [chosen.why] if chosen.why else [],
    }


def _require_frames(by_hand: Corrections, frames: int) -> None:
    """``SettingError`` for a correction of a frame that the clip does not have: its header promised more."""
    last = by_hand.last_frame()
    if last >= frames:
        raise SettingError(f"corrections: frame {last} is behind the last frame; give 0 to {frames - 1}")


def _require_anchor(pose: PoseTrack, anchor: Anchor, settings: AnchorConf) -> None:
    """``NobodyFound`` or ``AnchorNotSeen`` if no frame has an anchor."""
    if not pose.found.any():
        cure = "check that this is the right video, or lower pose.min_detection"
        raise NobodyFound(f"no person found in {counted(pose.frames, 'frame')}; {cure}")
    if not np.isfinite(anchor.xy_px).any():
        found = int(pose.found.sum())
        what = (
            "no landmark for anchor.landmarks"
            if settings.landmarks
            else f"nothing for anchor.point={settings.point.value}"
        )
        seen = f"a person in {found} of {counted(pose.frames, 'frame')}"
        fact = f"{seen}, but {what} with visibility {settings.min_confidence:g}"
        raise AnchorNotSeen(f"{fact}; {_anchor_cure(settings)}lower anchor.min_confidence")


def _anchor_cure(settings: AnchorConf) -> str:
    """What else may give an anchor under these settings; empty where nothing does."""
    if settings.landmarks:
        return "leave anchor.landmarks out, or "
    if settings.point is not AnchorPoint.auto:
        return "use anchor.point=auto, or "
    return "" if settings.masks else "add anchor.masks=true, or "


def _columns(
    time_s: Floats,
    shot: NDArray[np.int64],
    anchor_px: Floats,
    offset_px: Floats,
    anchor: Anchor,
    state: Labels,
) -> dict[str, NDArray[Any]]:
    """The columns of ``offsets.parquet``."""
    return {
        "frame": np.arange(len(time_s), dtype=np.int64),
        "time_s": time_s,
        "shot": shot,
        "anchor_x_px": anchor_px[:, 0],
        "anchor_y_px": anchor_px[:, 1],
        "confidence": anchor.confidence,
        "source": anchor.source,
        "state": state,
        "offset_x_px": offset_px[:, 0],
        "offset_y_px": offset_px[:, 1],
    }


def _write_timeline(path: Path, clip: Clip, pose: PoseTrack, hips: Iterator[dict[str, Any]], tick: Tick) -> None:
    """Write one JSON object, one line a frame and list, while it is made: memory does not grow with the clip."""
    info = {
        "fps": round(float(clip.rate), 6),
        "total_frames": pose.frames,
        "width": clip.width_px,
        "height": clip.height_px,
    }
    with writing(path), path.open("w", encoding="utf-8") as file:
        file.write(f'{{\n"video_info": {json.dumps(info)},\n"hip_centers": [')
        for index, row in enumerate(hips):
            file.write(("," if index else "") + "\n" + json.dumps(row, allow_nan=False))
        file.write('\n],\n"all_keypoints": [')
        for index, row in enumerate(_keypoints(pose)):
            file.write(("," if index else "") + "\n" + json.dumps(row, allow_nan=False))
            tick(index + 1)
        file.write("\n]\n}\n")


def _hip_centers(time_s: Floats, anchor_px: Floats, anchor: Anchor, state: Labels) -> Iterator[dict[str, Any]]:
    """Rows of the anchor, a frame each, in hundredths of a px and microseconds.

    The anchor is the hip centre, unless ``anchor.*`` says otherwise. The position is null where the subject
    is absent; ``state`` tells measurements from guesses.
    """
    for index in range(len(time_s)):
        confidence = float(anchor.confidence[index])
        present = state[index] != ABSENT
        yield {
            "frame": index,
            "timestamp": round(float(time_s[index]), 6),
            "x": round(float(anchor_px[index, 0]), 2) if present else None,
            "y": round(float(anchor_px[index, 1]), 2) if present else None,
            "confidence": round(confidence, 4) if np.isfinite(confidence) else None,
            "state": str(state[index]),
        }


def _keypoints(pose: PoseTrack) -> Iterator[dict[str, Any]]:
    """Rows of the landmarks, a frame each, in hundredths of a pixel; no keypoints where nobody was found."""
    for index, found in enumerate(pose.found):
        points = np.round(pose.xy_px[index], 2).tolist()
        seen = np.round(pose.visibility[index], 4).tolist()
        named = zip(LANDMARK_NAMES, points, seen, strict=True) if found else ()
        yield {
            "frame": index,
            "keypoints": [{"name": name, "x": x, "y": y, "visibility": v} for name, (x, y), v in named],
        }
