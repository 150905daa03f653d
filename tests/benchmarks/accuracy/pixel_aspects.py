"""Whether a walker is found and held as well where the pixels are not square.

    python -m tests.benchmarks.accuracy.pixel_aspects FOLDER [--person 0.25] [--aspects 1,4/3,64/45,16/15,8/9,1/2,2]

A walker is drawn in 1280x720, 60 frames, and stored with pixels of each aspect: the picture is as much narrower or
wider as a player shows them. Columns:

- ``found``: frames with the walker;
- ``off``: mean distance of the hips from the true ones, right and down;
- ``varies``: its standard deviation, across and up and down;
- ``held``: standard deviation of the true hips in the output, the same.

All are in px of a square pixel. FOLDER keeps the results.
"""

import argparse
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from tasks.demo.walker import Walk, draw_walk, ground_truth
from tasks.maths.arrays import Bytes, Floats
from tasks.maths.body.landmarks import hip_midpoint
from tasks.maths.square_pixels import to_source, to_square
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_table
from tasks.records import read_clip
from tests.benchmarks.lock_table import print_row
from tests.support.stages import Watched, held, watched

SIZE_PX: Final = (1280, 720)
ASPECTS: Final = "1,4/3,64/45,16/15,8/9,1/2,2"
HEAD: Final = ["pixel aspect", "stored", "found", "off", "varies", "held"]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.accuracy.pixel_aspects", description="Are people of other pixels held as well?"
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where results are kept")
    parser.add_argument("--person", type=float, default=0.25, help="height, as a share of the picture's")
    parser.add_argument("--aspects", default=ASPECTS, help=f"some of {ASPECTS}, or others")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    walk = Walk(size_px=SIZE_PX, seconds=2, person=asked.person, speed=0.1)
    print_row(HEAD)
    print_row(["---"] * len(HEAD))
    for text in asked.aspects.split(","):
        aspect = Fraction(text)
        path = asked.folder / f"walker_{asked.person:g}_{aspect.numerator}_{aspect.denominator}.mp4"
        if not path.exists():
            write_video(path, (rgb for rgb, _, _ in draw_walk(walk)), aspect)
        print_row([text, *figures(watched(asked.folder, [], path), ground_truth(walk).hip_center_xy_px)])


def write_video(path: Path, pictures: Iterable[Bytes], aspect: Fraction) -> None:
    """Store pictures (h, w, 3) of square pixels with pixels of width / height ``aspect``."""
    width, height = round(SIZE_PX[0] / aspect / 2) * 2, SIZE_PX[1]
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"crf": "16", "preset": "veryfast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for rgb in pictures:
            how = cv2.INTER_AREA if aspect > 1 else cv2.INTER_CUBIC
            stored = rgb if width == SIZE_PX[0] else np.asarray(cv2.resize(rgb, (width, height), interpolation=how))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(stored, format="rgb24")))
        file.mux(stream.encode(None))


def figures(walker: Watched, true_xy: Floats) -> list[str]:
    """The figures of a row, from the true hips (n, 2) in square pixels."""
    clip, pose = read_clip(walker.clip), read_pose(walker.subject.path("pose.parquet"))
    off = (to_square(hip_midpoint(pose.xy_px), clip.widening) - true_xy)[pose.found]
    path = read_table(held(walker, []).trajectory.path("trajectory.parquet"))
    moved = to_source(true_xy, clip.widening) + np.stack([path["dx_px"], path["dy_px"]], axis=1)
    place = to_square(moved, clip.widening)
    pairs = off.mean(axis=0), off.std(axis=0), place.std(axis=0)
    found = f"{np.count_nonzero(pose.found)} of {pose.frames}"
    return [f"{clip.width_px}x{clip.height_px}", found, *(f"{one[0]:.2f}, {one[1]:.2f}" for one in pairs)]


if __name__ == "__main__":
    main()
