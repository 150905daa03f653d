"""Stage: the anchor of each frame, how far it is from where it shall stay, and the pose as a timeline."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conf.schema import AnchorMethod
from tasks.errors import AnchorNotSeen, NobodyFound, OutputError
from tasks.maths import framing, gaps, metrics
from tasks.maths.anchor import Anchor, hip_centre
from tasks.maths.landmarks import NAMES, PoseTrack
from tasks.media.pose_file import read_pose
from tasks.media.tables import read_json, write_json, write_table
from tasks.records import Clip, Tick
from tasks.requests import OffsetsRequest

Floats = NDArray[np.float64]


def measure_offsets(request: OffsetsRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``offsets.parquet``, ``framing.json`` and ``pose.json``; facts: how much of the clip was measured.

    The offset is target minus anchor: a frame moved by it has the anchor at the target. ``NobodyFound`` when no frame
    shows a person, ``AnchorNotSeen`` when none shows a hip.
    """
    clip = Clip.from_json(read_json(request.clip.path("clip.json")))
    size_px = framing.output_size(clip.size_px, request.crop.size)
    target_xy = framing.resolve_target(request.target, size_px)
    pose = read_pose(request.pose.path("pose.parquet"))
    settings = request.settings
    weighted = settings.method is AnchorMethod.weighted
    anchor = hip_centre(pose, min_confidence=settings.min_confidence, weighted=weighted)
    _require_anchor(pose, anchor, settings.min_confidence)
    anchor_px, state = gaps.fill(pose.time_s, anchor.xy_px, interpolate=settings.interpolate)
    write_table(folder / "offsets.parquet", _offsets(pose.time_s, anchor_px, anchor, state, target_xy))
    write_json(folder / "framing.json", {"output_size_px": size_px, "target_px": target_xy})
    _write_timeline(folder / "pose.json", clip, pose, _hip_centers(pose.time_s, anchor_px, anchor, state), tick)
    coverage = metrics.coverage(pose.time_s, pose.found, state)
    sources, counts = np.unique(anchor.source, return_counts=True)
    return {
        "frames": pose.frames,
        **{name: round(value, 6) for name, value in coverage.items()},
        "confidence_mean": round(float(np.nanmean(anchor.confidence)), 6),
        "sources": dict(zip(sources.tolist(), counts.tolist(), strict=True)),
    }


def _require_anchor(pose: PoseTrack, anchor: Anchor, min_confidence: float) -> None:
    if not pose.found.any():
        cure = "check that this is the right video, or lower pose.min_detection"
        raise NobodyFound(f"no person found in {pose.frames} frames; {cure}")
    if not np.isfinite(anchor.xy_px).any():
        found = int(pose.found.sum())
        fact = f"a person in {found} of {pose.frames} frames, but no hip with visibility {min_confidence:g}"
        raise AnchorNotSeen(f"{fact}; lower anchor.min_confidence, or use a video that shows the hips")


def _offsets(
    time_s: Floats, anchor_px: Floats, anchor: Anchor, state: NDArray[np.str_], target_xy: tuple[float, float]
) -> dict[str, NDArray[Any]]:
    offset_px = np.array(target_xy) - anchor_px
    return {
        "frame": np.arange(len(time_s), dtype=np.int64),
        "time_s": time_s,
        "anchor_x_px": anchor_px[:, 0],
        "anchor_y_px": anchor_px[:, 1],
        "confidence": anchor.confidence,
        "source": anchor.source,
        "state": state,
        "offset_x_px": offset_px[:, 0],
        "offset_y_px": offset_px[:, 1],
    }


def _write_timeline(path: Path, clip: Clip, pose: PoseTrack, hips: Iterator[dict[str, Any]], tick: Tick) -> None:
    """One JSON object with one line a frame and list, written as it is made: memory does not grow with the clip."""
    info = {
        "fps": round(float(clip.rate), 6),
        "total_frames": pose.frames,
        "width": clip.width_px,
        "height": clip.height_px,
    }
    try:
        with path.open("w", encoding="utf-8") as file:
            file.write(f'{{\n"video_info": {json.dumps(info)},\n"hip_centers": [')
            for index, row in enumerate(hips):
                file.write(("," if index else "") + "\n" + json.dumps(row, allow_nan=False))
            file.write('\n],\n"all_keypoints": [')
            for index, row in enumerate(_keypoints(pose)):
                file.write(("," if index else "") + "\n" + json.dumps(row, allow_nan=False))
                tick(index + 1)
            file.write("\n]\n}\n")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); free space there") from error


def _hip_centers(
    time_s: Floats, anchor_px: Floats, anchor: Anchor, state: NDArray[np.str_]
) -> Iterator[dict[str, Any]]:
    """Rows of the hips, a frame each: hundredths of a pixel, microseconds, confidence null where nothing was seen."""
    for index in range(len(time_s)):
        confidence = float(anchor.confidence[index])
        yield {
            "frame": index,
            "timestamp": round(float(time_s[index]), 6),
            "x": round(float(anchor_px[index, 0]), 2),
            "y": round(float(anchor_px[index, 1]), 2),
            "confidence": round(confidence, 4) if np.isfinite(confidence) else None,
            "state": str(state[index]),
        }


def _keypoints(pose: PoseTrack) -> Iterator[dict[str, Any]]:
    """Rows of the landmarks, a frame each, hundredths of a pixel; no keypoints where nobody was found."""
    for index, found in enumerate(pose.found):
        points = np.round(pose.xy_px[index], 2).tolist()
        seen = np.round(pose.visibility[index], 4).tolist()
        named = zip(NAMES, points, seen, strict=True) if found else ()
        yield {
            "frame": index,
            "keypoints": [{"name": name, "x": x, "y": y, "visibility": v} for name, (x, y), v in named],
        }
