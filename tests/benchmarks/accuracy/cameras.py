"""Whether calibrated cameras that see the same person agree about the hips: do the rays through their anchors meet?

    python -m tests.benchmarks.accuracy.cameras FOLDER CALIBRATION VIDEO VIDEO [VIDEO ...]

CALIBRATION is a file of Qualisys Track Manager (``.qca.txt``). Each video is named after its camera there, and all of
them begin at the same moment and have the same rate. In each frame the point is computed that lies nearest to the rays
of all cameras. The columns, in px of the videos, all rms:

- ``miss``: from the anchor to that point, as the camera sees it;
- ``without offsets``: the same, where each camera's mean miss is taken out;
- ``change``: of the miss from frame to frame. The person's own motion is not in it.

FOLDER keeps the results.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree

import cv2
import numpy as np

from tasks.maths.arrays import Floats
from tasks.media.files.tables import points_of, read_table
from tests.benchmarks.lock_table import print_row, rms
from tests.support.stages import Watched, held, watched

UNITS: Final = 64  # of the file's intrinsic figures in a pixel
HEAD: Final = ["anchor", "frames", "miss", "without offsets", "change"]
POSE: Final = "pose alone"
MEAN_FRAMES: Final = 5  # as in the other tables


class Camera(NamedTuple):
    """A calibrated camera."""

    matrix: Floats  # (3, 3) of its lens, px
    distortion: Floats  # (4,) as OpenCV has it
    pose: Floats  # (3, 4) from the room, in mm, to the camera: x to the right, y down, z forward


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.accuracy.cameras", description="Do calibrated cameras agree about the hips?"
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where results are kept")
    parser.add_argument("calibration", type=Path, metavar="CALIBRATION", help="a file of Qualisys Track Manager")
    parser.add_argument("videos", type=Path, metavar="VIDEO", nargs="+", help="named after their cameras")
    asked = parser.parse_args()
    if len(asked.videos) < 2:
        parser.error("one camera cannot disagree: name two videos or more")
    calibrated = read_cameras(asked.calibration)
    cameras = [calibrated[video.stem] for video in asked.videos]
    asked.folder.mkdir(parents=True, exist_ok=True)
    seen = [watched(asked.folder, [], video) for video in asked.videos]
    pose, joined = anchors_px(seen, ["anchor.fusion=false"]), anchors_px(seen, [])
    print_row(HEAD)
    print_row(["---"] * len(HEAD))
    print_row([POSE, *figures(cameras, pose)])
    print_row([f"{POSE}, mean of {MEAN_FRAMES} frames", *figures(cameras, averaged(pose))])
    print_row(["Stillwalk", *figures(cameras, joined)])


def read_cameras(path: Path) -> dict[str, Camera]:
    """The cameras of a calibration by name."""
    cameras = {}
    for camera in ElementTree.parse(path).getroot().iter("camera"):
        place, lens = camera.find("transform"), camera.find("intrinsic")
        if place is None or lens is None:
            raise SystemExit(f"{path}: a camera without a place or a lens")

        def of_lens(*names: str, lens: ElementTree.Element = lens) -> list[float]:
            return [float(lens.attrib[name]) for name in names]

        (across, down), middle = of_lens("focalLengthU", "focalLengthV"), of_lens("centerPointU", "centerPointV")
        matrix = np.array([[across, 0, middle[0]], [0, down, middle[1]], [0, 0, UNITS]]) / UNITS
        radial = of_lens("radialDistortion1", "radialDistortion2")
        tangential = of_lens("tangentalDistortion1", "tangentalDistortion2")  # spelt so in the file
        # There y points up and z to the viewer.
        turned = np.array([[float(place.attrib[f"r{row}{column}"]) for column in "123"] for row in "123"])
        turned *= np.array([[1.0], [-1.0], [-1.0]])
        moved = -turned @ np.array([float(place.attrib[axis]) for axis in "xyz"])
        cameras[camera.attrib["serial"]] = Camera(
            matrix, np.array([*radial, *tangential]), np.column_stack([turned, moved])
        )
    return cameras


def anchors_px(videos: Sequence[Watched], overrides: list[str]) -> Floats:
    """The anchors (frames, cameras, 2) in source px, before the path is smoothed."""
    columns = []
    for video in videos:
        table = read_table(held(video, overrides).offsets.path("offsets.parquet"))
        columns.append(points_of(table, "anchor"))
    return np.stack(columns, axis=1)


def averaged(anchors: Floats) -> Floats:
    """The mean of each frame and those around it; at the ends of as many as there are."""
    reach = MEAN_FRAMES // 2
    return np.stack([anchors[max(at - reach, 0) : at + reach + 1].mean(axis=0) for at in range(len(anchors))])


def figures(cameras: Sequence[Camera], anchors: Floats) -> list[str]:
    """The figures of a row."""
    missed = misses_px(cameras, anchors)
    without, change = missed - missed.mean(axis=0), np.diff(missed, axis=0)
    return [str(len(anchors)), *(f"{rms(one.reshape(-1, 2)):.2f}" for one in (missed, without, change))]


def misses_px(cameras: Sequence[Camera], anchors: Floats) -> Floats:
    """How far each camera's anchor (frames, cameras, 2) is from the point that lies nearest to all rays."""
    return np.stack([_misses_of_frame(cameras, of_frame) for of_frame in anchors])


def _misses_of_frame(cameras: Sequence[Camera], anchors: Floats) -> Floats:
    """The misses (cameras, 2) of one frame, by the direct linear transform (Hartley and Zisserman, 2004, 12.2)."""
    rows = []
    for (matrix, distortion, pose), anchor in zip(cameras, anchors, strict=True):
        x, y = cv2.undistortPoints(anchor.reshape(1, 1, 2), matrix, distortion).ravel()
        rows += [x * pose[2] - pose[0], y * pose[2] - pose[1]]
    point = np.linalg.svd(np.array(rows))[2][-1]
    room = (point[:3] / point[3]).reshape(1, 3)
    shown = [
        cv2.projectPoints(room, cv2.Rodrigues(pose[:, :3])[0], pose[:, 3], matrix, distortion)[0].ravel()
        for matrix, distortion, pose in cameras
    ]
    return np.array(shown) - anchors


if __name__ == "__main__":
    main()
