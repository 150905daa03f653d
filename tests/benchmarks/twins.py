"""Look for people in the stabilized video as if it were a new clip, and compare with the source.

    python -m tests.benchmarks.twins FOLDER [VIDEO ...] [--borders scene,reflect,mirror] [--every 5]

Without VIDEO the clips are the sample videos with a person and a drawn walker who crosses the whole picture. Somebody
who is found in the output only is told apart by the place: beyond the source's edges it is a twin, inside them it is
one of the source's own people, whom the search missed there. FOLDER keeps the results, so a second run is short.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from tasks.errors import NobodyFound
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HIPS, LANDMARK_COUNT, SHOULDERS
from tasks.maths.path import affine
from tasks.media.files.tables import matrices_of, read_table
from tasks.records import read_clip
from tests.benchmarks.measuring import program, server
from tests.benchmarks.sample_clips import crossing_walker, samples
from tests.support.stages import watched

BORDERS: Final = "scene,reflect,mirror"
HEAD: Final = ["clip", "border", "frames", "in the source", "in the output", "twins", "more inside", "fewer"]


@dataclass
class Counts:
    """Of the frames that were compared."""

    frames: int = 0
    source: int = 0  # people that were found in them
    output: int = 0
    twins: int = 0  # frames with somebody beyond the source's edges
    more: list[int] = field(default_factory=list)  # frames with more people inside the source's edges than there
    fewer: list[int] = field(default_factory=list)  # frames with fewer people than the source
    left: int = 0  # of the fewer: frames in which the output does not hold everybody's middle

    def row(self, clip: str, border: str) -> list[str]:
        known = [self.frames, self.source, self.output, self.twins, len(self.more)]
        left = f" ({self.left})" if self.left else ""
        return [clip, border, *(str(number) for number in known), f"{len(self.fewer)}{left}"]


def main() -> None:
    asked = arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    videos = asked.videos or [*samples(), crossing_walker(asked.folder)]
    for cells in (HEAD, ["---"] * len(HEAD)):
        print("| " + " | ".join(cells) + " |", flush=True)
    with server(asked.folder) as api:
        for video in videos:
            home = asked.folder / video.stem
            home.mkdir(exist_ok=True)
            for border in asked.borders.split(","):
                program(video, home, api, "outputs=[stabilized]", f"border={border}")
                counts = compared(video.absolute(), home / "out", asked.every)
                print("| " + " | ".join(counts.row(video.stem, border)) + " |", flush=True)
                if asked.frames:
                    print(f"  more inside: {counts.more}; fewer: {counts.fewer}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.twins", description="Count people in the source and in the stabilized video."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where results are kept")
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--borders", default=BORDERS, help=f"some of {BORDERS}")
    parser.add_argument("--every", type=int, default=5, metavar="N", help="compare every Nth frame")
    parser.add_argument("--frames", action="store_true", help="list the frames that differ")
    return parser.parse_args()


def compared(video: Path, out: Path, every: int) -> Counts:
    """The people of a clip and of its stabilized video, of which ``out`` holds the only one."""
    (trajectory,) = (out / ".cache" / "trajectory").glob("*/trajectory.parquet")
    table = read_table(trajectory)
    source, source_px = found(video, out / ".cache")
    output, output_px = found(out / video.stem / "stabilized.mp4", out / ".cache")
    counts = Counts()
    for frame, matrix in enumerate(matrices_of(table, "to_output")):
        if frame % every:
            continue
        there, here = source.get(frame, []), output.get(frame, [])
        inside = [place for place in here if _lies_in(affine.apply(affine.invert(matrix), place), source_px)]
        shown = [place for place in there if _lies_in(affine.apply(matrix, place), output_px)]
        counts.frames += 1
        counts.source += len(there)
        counts.output += len(here)
        counts.twins += len(inside) < len(here)
        if len(inside) > len(there):
            counts.more.append(frame)
        if len(inside) < len(there):
            counts.fewer.append(frame)
            counts.left += len(shown) < len(there)
    return counts


def found(video: Path, cache: Path) -> tuple[dict[int, list[Floats]], tuple[int, int]]:
    """For each frame the middle of the torso of everybody who is found, (2,) in pixels; and the picture's size."""
    try:
        seen = watched(cache, [], video)
    except NobodyFound:
        return {}, (0, 0)
    return dict(_places(seen.found.path("people.parquet"))), read_clip(seen.clip).size_px


def _places(people: Path) -> Iterator[tuple[int, list[Floats]]]:
    table = read_table(people, ["frame", "x_px", "y_px"])
    frames = table["frame"].reshape(-1, LANDMARK_COUNT)[:, 0]
    points = np.stack([table["x_px"], table["y_px"]], axis=-1).reshape(-1, LANDMARK_COUNT, 2)
    middles = points[:, [*SHOULDERS, *HIPS]].mean(axis=1).astype(np.float64)
    for frame in np.unique(frames):
        yield int(frame), list(middles[frames == frame])


def _lies_in(place_px: Floats, size_px: tuple[int, int]) -> bool:
    return bool(np.all(place_px > -0.5) and np.all(place_px < np.array(size_px) - 0.5))


if __name__ == "__main__":
    main()
