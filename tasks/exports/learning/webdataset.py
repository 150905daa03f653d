"""Export ``webdataset``: each locked frame with the person's mask and key points, as samples in tar files."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.exports.requests import DatasetRequest
from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, MaskState, read_masks
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_json, read_table, write_table
from tasks.media.files.tar_shards import ShardWriter, encoded_picture
from tasks.media.input.prefetch import prefetched
from tasks.media.matting.run_lengths import INSIDE, extent, mask_in_output
from tasks.media.output.render_frame import Edge, Placement, read_placement, read_scene, render_frames
from tasks.media.planes.layout import tags_for_height
from tasks.media.planes.tone_map import for_ordinary_screens
from tasks.records import Tick

FACTS: Final = ("frame", "time_s", "state", "found", "mask")  # of a sample's JSON, that the table has too
COLUMNS: Final = ("key", "shard", *FACTS, "left_px", "top_px", "width_px", "height_px", "area_px")


class Sample(NamedTuple):
    """A frame as it stands in the output."""

    rgb: NDArray[np.uint8]  # (h, w, 3)
    inside: NDArray[np.uint8]  # (h, w) 255 where the person is
    state: MaskState


def write_webdataset(request: DatasetRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``000000.tar``, ... and ``metadata.parquet``, one row for each sample.

    A sample is a frame: ``<key>.jpg`` (or ``png``) is the picture of ``stabilized.mp4`` before it is encoded,
    ``<key>.mask.png`` 255 where the person is, ``<key>.json`` its time and key points in px of that picture.
    """
    placement = read_placement(request.clip, request.trajectory)
    clip, suffix = placement.clip, request.dataset.picture.value
    points, found = _keypoints(request, placement)
    states = read_table(request.trajectory.path("trajectory.parquet"), ["state"])["state"]
    person = read_json(request.subject.path("subject.json"))["person"]
    rows = []
    with (
        ShardWriter(folder, request.dataset.shard_samples) as shards,
        prefetched(_samples(request, placement)) as ready,
    ):
        for frame, sample in enumerate(ready):
            key = f"{clip.digest[:12]}-{person}-{frame + clip.skipped:06d}"
            *box, area_px = extent(sample.inside)
            facts = {
                "frame": frame,
                "time_s": float(placement.time_s[frame]),
                "state": str(states[frame]),
                "found": bool(found[frame]),
                "keypoints": np.round(points[frame], 3).tolist(),
                "bbox": box,
                "mask": sample.state.name,
            }
            members = {
                suffix: encoded_picture(sample.rgb, suffix),
                "json": json.dumps(facts, allow_nan=False).encode(),
                "mask.png": encoded_picture(sample.inside, "png"),
            }
            shard = shards.write(key, members)
            rows.append((key, shard, *(facts[name] for name in FACTS), *box, area_px))
            tick(frame + 1)
    columns = zip(COLUMNS, map(np.array, zip(*rows, strict=True)), strict=True)
    write_table(folder / "metadata.parquet", dict(columns))
    return {"frames": len(rows), "shards": len({row[1] for row in rows}), "size_px": list(placement.size_px)}


def _keypoints(request: DatasetRequest, placement: Placement) -> tuple[Floats, NDArray[np.bool_]]:
    """For each frame x and y in the output and the visibility (n, 33, 3); and (n,) whether the person was found.

    Zeros where not.
    """
    pose = read_pose(request.pose_file)
    moved = affine.apply(placement.to_output[:, None], pose.xy_px)
    return np.nan_to_num(np.concatenate([moved, pose.visibility[..., None]], axis=-1)), pose.found


def _samples(request: DatasetRequest, placement: Placement) -> Iterator[Sample]:
    edge = Edge(request.border.mode.value, tuple(request.border.color), request.interpolation.value)
    scene = None if request.scene is None else read_scene(request.scene, placement)
    color = tags_for_height(placement.clip.color, placement.clip.height_px, placement.size_px[1])
    frames = render_frames(request.source, placement, cache_mb=request.cache_mb, scene=scene)
    for frame, mask in zip(frames, read_masks(request.masks.path("masks.npz")), strict=True):
        output = replace(frame.picture, planes=frame.moved(edge), color=color)
        rgb = for_ordinary_screens(output.rgb(), color)
        yield Sample(rgb, _inside(mask, placement, frame.picture.index), mask.state)


def _inside(mask: Mask, placement: Placement, index: int) -> NDArray[np.uint8]:
    """255 where an output pixel is more likely the person than not; 0 where it is beyond the source, and for nobody."""
    width, height = placement.size_px
    if mask.state is MaskState.nobody:
        return np.zeros((height, width), np.uint8)
    moved = mask_in_output(mask, placement.clip.size_px, placement.to_output[index], placement.size_px)
    return np.where(moved > INSIDE, 255, 0).astype(np.uint8)
