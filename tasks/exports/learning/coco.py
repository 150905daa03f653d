"""Export ``coco``: everybody's key points in the format of the COCO data set."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from tasks.exports.requests import ExportRequest
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import LANDMARK_COUNT, LANDMARK_NAMES
from tasks.maths.body.person_box import whole_picture_box
from tasks.media.files.masks_file import Mask, read_masks
from tasks.media.files.pose_file import LANDMARK_VALUES, read_pose
from tasks.media.files.tables import read_table, write_json
from tasks.media.matting.run_lengths import extent
from tasks.records import Clip, Tick, read_clip

_PAIRS: Final = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO_NAMES: Final = ("nose", *(f"{side}_{part}" for part in _PAIRS for side in ("left", "right")))
COCO_SKELETON: Final = (  # pairs of key points, counted from 1, as in the data set
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10)),
    *((9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)
_INDEX: Final = [LANDMARK_NAMES.index(name) for name in COCO_NAMES]
LEAST_PRESENCE: Final = 0.5  # a point is labelled
LEAST_VISIBILITY: Final = 0.5  # a labelled point is not hidden
PERSON: Final = {"id": 1, "name": "person", "supercategory": "person"}


def write_coco(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``coco.json``: an image for each frame, an annotation for each person found in it.

    ``track_id`` is the number of the pose stage's track. ``subject`` is true for the person who is followed. That
    person's key points are those of ``pose.parquet``, in which exchanged sides are put right. The box and the area are
    those of the mask that comes with the pose, in px of the source.
    """
    clip = read_clip(request.clip)
    times_s = read_table(request.clip.path("frames.parquet"))["time_s"]
    annotations = list(_annotations(request, clip))
    content = {
        "info": {"description": "Key points by Stillwalk, mapped from 33 landmarks", "version": "1.0"},
        "categories": [{**PERSON, "keypoints": COCO_NAMES, "skeleton": COCO_SKELETON}],
        "images": coco_images(clip, times_s),
        "annotations": annotations,
    }
    write_json(folder / "coco.json", content, indent=None)
    tick(len(times_s))
    return {"frames": len(times_s), "annotations": len(annotations)}


def coco_images(clip: Clip, times_s: Floats) -> list[dict[str, Any]]:
    """The image of each frame: its id is the frame's number plus 1, its file has the number of the file's frame."""
    width, height = clip.size_px
    return [
        {
            "id": number,
            "file_name": f"{number - 1 + clip.skipped:06d}.png",
            "width": width,
            "height": height,
            "time_s": float(time_s),
        }
        for number, time_s in enumerate(times_s, start=1)
    ]


def _annotations(request: ExportRequest, clip: Clip) -> Iterator[dict[str, Any]]:
    table = read_table(request.file(request.found, "people.parquet"), ["frame", "track", *LANDMARK_VALUES])
    followed = read_table(request.file(request.subject, "motion.parquet"), ["track"])["track"]
    frames, tracks = (table[name][::LANDMARK_COUNT].tolist() for name in ("frame", "track"))
    landmarks = np.stack([table[name].reshape(-1, LANDMARK_COUNT) for name in LANDMARK_VALUES], axis=-1)
    pose = read_pose(request.pose_file)
    subject = pose.landmarks
    bodies = read_masks(request.file(request.found, "bodies.npz"))
    people = zip(frames, tracks, landmarks.astype(np.float64), bodies, strict=True)
    for number, (frame, track, found, body) in enumerate(people, start=1):
        is_subject = bool(followed[frame] == track)
        points = subject[frame] if is_subject else found
        keypoints = coco_keypoints(points)
        box, area = _box_and_area(body, points, clip.size_px)
        yield {
            "id": number,
            "image_id": frame + 1,
            "category_id": PERSON["id"],
            "keypoints": np.round(keypoints, 2).ravel(),
            "num_keypoints": int(np.sum(keypoints[:, 2] > 0)),
            "bbox": np.round(box, 2),
            "area": round(area, 2),
            "iscrowd": 0,
            "track_id": track,
            "subject": is_subject,
        }


def coco_keypoints(landmarks: Floats) -> Floats:
    """Rows (17, 3) of x, y and flag from landmarks (33, 5) as in ``people.parquet``.

    The flag is 2 for a point that is seen, 1 for one that is hidden, and 0, with zeros, for one that is not there.
    """
    chosen = landmarks[_INDEX]
    labelled = chosen[:, 4] >= LEAST_PRESENCE
    flag = np.where(chosen[:, 3] >= LEAST_VISIBILITY, 2.0, 1.0)
    return np.where(labelled[:, None], np.column_stack([chosen[:, :2], flag]), 0.0)


def _box_and_area(body: Mask, points: Floats, size_px: tuple[int, int]) -> tuple[Floats, float]:
    """Box (4,) as left, top, width and height from the picture's corner, and the area, of a person in the picture.

    Where the mask shows nobody, the box is that of the landmarks, and the area that of the box.
    """
    (x0, y0, x1, y1), picture = body.edges_px.astype(np.float64), whole_picture_box(size_px)
    left, top, width, height, cells = extent(body.probability)
    rows, columns = body.probability.shape
    cell_x, cell_y = (x1 - x0) / columns, (y1 - y0) / rows
    if cells:
        corners = np.array([x0 + left * cell_x, y0 + top * cell_y])
        ends = corners + np.array([width * cell_x, height * cell_y])
    else:
        corners, ends = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    corners, ends = (np.clip(edge, picture[:2], picture[2:]) for edge in (corners, ends))
    size = np.maximum(ends - corners, 0)
    area = float(cells * cell_x * cell_y) if cells else float(size.prod())
    return np.concatenate([corners + 0.5, size]), min(area, float(size.prod()))
