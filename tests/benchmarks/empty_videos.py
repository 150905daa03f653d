"""Run the program on 20 drawn videos without a person: each has to fail, and none may be locked.

    python -m tests.benchmarks.empty_videos FOLDER [--frames 48]

Chairs, trees, cars, posters and a street, each drawn four times: a still camera and three that pan. The exit status is
0 where the program found nobody in each of them. Results are kept in FOLDER: the same program runs quickly again.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.demo.street import build_street, street_frame
from tests.support.drawn.empty_scenes import HEIGHT_PX, KINDS, WIDTH_PX, empty_scene, passed, write_video
from tests.support.program import ROOT

PANS_PX: Final = (0.0, 2.0, 4.0, -6.0)  # a frame


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.empty_videos")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the videos and the results are kept")
    parser.add_argument("--frames", type=int, default=48, help="of each video")
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    videos = folder / "videos"
    videos.mkdir(parents=True, exist_ok=True)
    for kind in [*sorted(KINDS), "street"]:
        for seed, pan_px in enumerate(PANS_PX, start=1):
            path = videos / f"{kind}_{seed}_{asked.frames}.mp4"
            if not path.exists():
                write_video(path, pictures(kind, seed, pan_px, asked.frames))
    command = [sys.executable, "-P", "-m", "flows.stabilize", f"video={videos}", f"output_dir={folder / 'out'}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, "outputs=[pose]"], cwd=folder, env=environment, check=False)
    rows = json.loads((folder / "out" / "batch.json").read_text())["rows"]
    locked = [row["video"] for row in rows if not row["error"].startswith("no person found")]
    for row in rows:
        print(f"{row['video']}: {row['error'] or 'LOCKED'}")
    print(f"exit status {done.returncode}; nobody found in {len(rows) - len(locked)} of {len(rows)} videos")
    sys.exit(int(done.returncode != 1 or bool(locked)))


def pictures(kind: str, seed: int, pan_px: float, frames: int) -> Iterator[NDArray[np.uint8]]:
    """The frames (h, w, 3) of one video."""
    if kind != "street":
        yield from passed(empty_scene(kind, seed), frames, pan_px, seed)
        return
    street = build_street((WIDTH_PX, HEIGHT_PX), 0.0, seed)
    for frame in range(frames):
        yield street_frame(street, pan_px * frame, (0.0, 0.0))


if __name__ == "__main__":
    main()
