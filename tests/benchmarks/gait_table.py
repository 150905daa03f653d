"""Events and figures of the gait, by the pose model, against the contacts of drawn walkers.

    python -m tests.benchmarks.gait_table FOLDER

Each walker is drawn and its pose is measured once. All results are kept in FOLDER, so a second run is quick. The table
is printed as Markdown.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np

from tasks.demo.demo_video import walk_from_settings
from tasks.demo.walker import Walk, subject_gait, walk_camera
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import hip_midpoint
from tasks.maths.gait.angles import joint_angles
from tasks.maths.gait.figures import Gait, measured_gait
from tasks.maths.gait.ground import ground_figures, measured_steps
from tasks.maths.gait.side_view import side_views
from tasks.media.files.camera_file import read_camera
from tasks.media.files.pose_file import read_pose
from tests.support.drawn.walkers import event_errors_s, true_pose
from tests.support.stages import Watched, watched

SMALL: Final = ["demo.width=640", "demo.height=360"]
WALKERS: Final = {
    "level, 30 fps, 10 s": ["demo.seconds=10"],
    "24 fps": ["demo.seconds=10", "demo.fps=24", "demo.seed=2"],
    "60 fps": ["demo.seconds=8", "demo.fps=60", "demo.seed=4"],
    "120 fps": ["demo.seconds=6", "demo.fps=120", "demo.seed=7"],
    "240 fps": ["demo.seconds=5", "demo.fps=240"],
    "to the left": ["demo.seconds=10", "demo.speed=-0.2", "demo.seed=3"],
    "slow, 67 steps a minute": ["demo.seconds=10", "demo.speed=0.1", "demo.seed=5"],
    "fast, 117 steps a minute": ["demo.seconds=8", "demo.speed=0.3", "demo.seed=6"],
    "limp": ["demo.seconds=10", "demo.limp=0.7"],
    "turning from -40 to 40 degrees": ["demo.seconds=8", "demo.turn_deg_s=10"],
    "45 degrees towards the camera": ["demo.seconds=8", "demo.heading_deg=45"],
    "towards the camera": ["demo.seconds=8", "demo.heading_deg=90"],
}
HEAD: Final = ["walker", "events", "within 33 ms", "median error, ms", "cadence", "hip", "knee", "ankle", "trunk"]
GROUND_HEAD: Final = ["speed", "by camera", "step"]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.gait_table",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    print_row([*HEAD, *GROUND_HEAD])
    print_row(["---"] * len([*HEAD, *GROUND_HEAD]))
    pooled: list[Floats] = []
    for name, overrides in WALKERS.items():
        print_row([name, *row(folder, overrides, pooled)])
    errors_s = np.abs(np.concatenate(pooled))
    print(f"\nall {len(errors_s)} events: {np.mean(errors_s <= 1 / 30):.1%} within 33 ms")


def row(folder: Path, overrides: list[str], pooled: list[Floats]) -> list[str]:
    """The cells of one walker; its errors are added to ``pooled``."""
    from flows.config import settings

    video = watched(folder, [*SMALL, *overrides])
    pose = read_pose(video.subject.path("pose.parquet"))
    walker = walk_from_settings(settings.load(["video=demo", *SMALL, *overrides]).demo)
    gait = measured_gait(pose)
    if gait.why_not:
        return ["none", gait.why_not, *[""] * (len([*HEAD, *GROUND_HEAD]) - 3)]
    errors_s = event_errors_s(gait.events, walker)
    pooled.append(errors_s)
    true_hz, cadence = subject_gait(walker).cadence_hz, gait.figures["cadence_steps_per_min"].mean
    part, exact = gait.parts[0], side_views(true_pose(walker)).parts[0]
    angles, true_angles = joint_angles(part), joint_angles(exact)
    rms_deg = {
        name: float(np.sqrt(np.mean((angle - np.interp(part.time_s, exact.time_s, true_angles[name])) ** 2)))
        for name, angle in angles.items()
    }
    joints = [np.mean([rms for name, rms in rms_deg.items() if name.endswith(joint)]) for joint in HEAD[5:8]]
    return [
        str(len(errors_s)),
        f"{np.mean(np.abs(errors_s) <= 1 / 30):.0%}",
        f"{1000 * np.median(np.abs(errors_s)):.0f}",
        f"{cadence / (60 * true_hz) - 1:+.1%}",
        *(f"{rms:.1f}" if np.isfinite(rms) else "not given" for rms in joints),
        f"{rms_deg['trunk_lean']:.1f}",
        *ground_cells(video, gait, walker),
    ]


def ground_cells(video: Watched, gait: Gait, walker: Walk) -> list[str]:
    """Errors of the speed by the feet, of that by the camera's motion, and of the mean length of a step."""
    pose, (camera, _) = read_pose(video.subject.path("pose.parquet")), read_camera(video.found.path("camera.parquet"))
    steps = measured_steps(gait, hip_midpoint(pose.xy_px), pose.time_s, camera)
    figures, scale_px = ground_figures(steps, None, from_height=False), walk_camera(walker).scale_px
    speed_px_s, step_px = subject_gait(walker).speed * scale_px, subject_gait(walker).step * scale_px
    found = {name: figure.mean for name, figure in figures.items()}
    pairs = (
        (found.get("speed_px_per_s", np.nan), speed_px_s),
        (found.get("background_speed_px_per_s", np.nan), speed_px_s),
        (found.get("stride_length_px", np.nan) / 2, step_px),
    )
    return [f"{value / true - 1:+.1%}" if np.isfinite(value) else "not given" for value, true in pairs]


def print_row(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
