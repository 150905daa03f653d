"""How far the anchor is off where a filmed man turns over in the air, against hips marked by eye.

    python -m tests.benchmarks.somersault FOLDER [--starts 0,0.1,0.2,0.3,0.4]

The clip is used from each of the starts (seconds): what the pose model sees depends on where it begins. The columns:
frames with a pose, of the marked ones; how far its hips are off, rms; how far the anchor is off, rms and at most; and
how much that changes from frame to frame, rms; all in px. The man's torso is 108 px long. The marks are good to about
10 px. FOLDER keeps the results.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import hip_midpoint
from tasks.maths.frame_times import nearest_index
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import points_of, read_table
from tests.benchmarks.lock_table import print_row, rms
from tests.benchmarks.sample_clips import SAMPLES
from tests.support.stages import held, watched

CLIP: Final = SAMPLES / "two_people_vp9_audio.mp4"
RATE_HZ: Final = 30
FIRST_FRAME: Final = 166
# x, y of the hips in px, frame by frame; each picture was looked at.
HIPS_PX: Final = (
    *((805, 250), (822, 235), (838, 222), (852, 208), (868, 200), (886, 197), (908, 193), (938, 195), (955, 212)),
    *((975, 235), (992, 252), (1000, 285), (1000, 320), (1000, 352), (1003, 382), (992, 405), (995, 430), (1000, 450)),
    *((1005, 478), (1014, 506), (1024, 536), (1036, 569)),
)
HEAD: Final = ["start", "poses", "hips off", "anchor off", "at most", "change"]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.somersault", description="The anchor of somebody who turns over in the air."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where results are kept")
    parser.add_argument("--starts", default="0,0.1,0.2,0.3,0.4", help="of the clip, seconds after its start")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    print_row(HEAD)
    print_row(["---"] * len(HEAD))
    rows = []
    for start in asked.starts.split(","):
        rows.append(figures(asked.folder, start))
        print_row(shown(f"{start} s", rows[-1]))
    print_row(shown("mean", np.mean(rows, axis=0)))


def figures(folder: Path, start: str) -> Floats:
    """The figures (5,) of the clip from ``start`` on."""
    video = watched(folder, [f"clip.from_s={start}"], CLIP)
    marks, marked_s = np.array(HIPS_PX, np.float64), (FIRST_FRAME + np.arange(len(HIPS_PX))) / RATE_HZ
    pose = read_pose(video.subject.path("pose.parquet"))
    first_s = np.ceil(float(start) * RATE_HZ - 1e-6) / RATE_HZ
    rows = nearest_index(marked_s, pose.time_s - pose.time_s[0] + first_s)
    table = read_table(held(video, ["smoothing=none"]).offsets.path("offsets.parquet"))
    anchor = points_of(table, "anchor")[rows] - marks
    hips = hip_midpoint(pose.xy_px[rows]) - marks
    seen = np.isfinite(hips).all(axis=1)
    farthest = np.hypot(*anchor.T).max()
    return np.array([seen.sum(), rms(hips[seen]), rms(anchor), farthest, rms(np.diff(anchor, axis=0))])


def shown(name: str, row: Floats) -> list[str]:
    return [name, f"{row[0]:.3g}", *(f"{value:.1f}" for value in row[1:])]


if __name__ == "__main__":
    main()
