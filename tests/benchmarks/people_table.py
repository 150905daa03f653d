"""How surely drawn walkers of many sizes are found, and how still they are held.

    python -m tests.benchmarks.people_table FOLDER [--people 0.08,0.63] [--frames 1280x720,3840x2160] [--seconds 2]

Each walker is drawn alone, and with a second one who crosses in front. All results are kept in FOLDER, so a second run
is quick. The table is printed as Markdown. The person to follow is named by a point on the true hips. Found counts the
frames from the first half second on in which the hips lie within a quarter of the person's height of the true ones, and
not nearer to the true hips of the second walker. Visible counts the same among the frames in which at least a quarter
of the person is visible: the area of the drawn mask over that without the second walker, in a small drawing. Spread is
the standard deviation of the true hips in the output, over the frames with a measured anchor. The aim is 0.1 % of the
frame's height and 0.4 % of the person's.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flows.config import settings
from tasks.demo.demo_video import HIP_CENTER, walk_from_settings
from tasks.demo.skeleton import POINT_INDEX, skeleton_at
from tasks.demo.walker import Walk, draw_walk, passer_by_gait, project_points, walk_camera, walk_times
from tasks.errors import StillwalkError
from tasks.maths.anchor.states import SEEN_STATES
from tasks.maths.body.landmarks import hip_midpoint
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_table
from tasks.records import read_clip
from tasks.requests import DemoRequest
from tests.support.lock_figures import figures, within
from tests.support.stages import held, made, watched

HEAD: Final = ["frame", "person", "walkers", "found", "visible", "people", "switches", "spread x", "spread y", "aim"]
SETTLED_S: Final = 0.5  # from here on everybody has to be found
NAMED_S: Final = 0.75  # when the point lies on the person to follow
CLOSE_HEIGHTS: Final = 0.25  # distance of the hips from the true ones, in heights of the person
VISIBLE_SHARE: Final = 0.25  # of the body: with less nobody has to be found
DRAWN_SMALL_PX: Final = (640, 360)  # in which the visible shares are counted
FRAME_SHARE, PERSON_SHARE = 0.001, 0.004  # of the heights of frame and person: the spread that is aimed at


def main() -> None:
    asked = arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    print_row(HEAD)
    print_row(["---"] * len(HEAD))
    for frame in asked.frames.split(","):
        for person in asked.people.split(","):
            for crossing in (False, True):
                print_row([frame, person, "two" if crossing else "one", *row(asked, frame, person, crossing)])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.people_table")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where results are kept")
    parser.add_argument("--people", default="0.08,0.10,0.15,0.20,0.30,0.63", help="heights, in heights of the frame")
    parser.add_argument("--frames", default="1280x720", help="sizes of the frame in pixels")
    parser.add_argument("--seconds", default="2", help="length of each clip")
    return parser.parse_args()


def print_row(cells: list[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def row(asked: argparse.Namespace, frame: str, person: str, crossing: bool) -> list[str]:
    """The figures of one walker."""
    width, height = map(int, frame.split("x"))
    walk = [f"demo.width={width}", f"demo.height={height}", f"demo.person={person}", f"demo.seconds={asked.seconds}"]
    walk.append(f"demo.crossing={str(crossing).lower()}")
    config = settings.load(["video=demo", *walk]).demo
    demo = made(asked.folder, DemoRequest(config))
    true_px, time_s = true_hips(demo.path("truth.parquet"))
    drawn = walk_from_settings(config)
    named = int(np.searchsorted(time_s - time_s[0], NAMED_S))
    point = ",".join(f"{value:.0f}" for value in true_px[named])
    try:
        walker = watched(asked.folder, [*walk, f"subject.point=[{point}]", f"subject.at_s={NAMED_S}"])
    except StillwalkError as error:
        return [str(error)]
    pose = read_pose(walker.subject.path("pose.parquet"))
    apart_px = np.hypot(*(hip_midpoint(pose.xy_px) - true_px).T)
    close = apart_px <= CLOSE_HEIGHTS * float(person) * height  # NaN compares as False
    if crossing:
        close &= apart_px < np.hypot(*(hip_midpoint(pose.xy_px) - passer_by_hips(drawn)).T)
    settled = (time_s - time_s[0] >= SETTLED_S) & within(true_px, read_clip(walker.clip).size_px)
    table = read_table(held(walker, []).trajectory.path("trajectory.parquet"))
    known = np.isin(table["state"], list(SEEN_STATES)) & settled
    still = figures(true_px + np.stack([table["dx_px"], table["dy_px"]], axis=1), time_s, known)
    return [
        f"{close[settled].mean():.1%}",
        f"{close[settled & (visible_shares(drawn) >= VISIBLE_SHARE)].mean():.1%}",
        str(len(walker.subject.facts["people"])),
        str(walker.subject.facts["identity_switches"]),
        f"{still.std_x:.2f}",
        f"{still.std_y:.2f}",
        f"{height * (FRAME_SHARE + PERSON_SHARE * float(person)):.2f}",
    ]


def true_hips(truth: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True middle of the hips (n, 2) in source px, and the times (n,) of the frames."""
    table = read_table(truth)
    mine = table["landmark"] == HIP_CENTER
    return np.stack([table["x_px"][mine], table["y_px"][mine]], axis=1), table["time_s"][mine]


def passer_by_hips(walk: Walk) -> NDArray[np.float64]:
    """True middle of the second walker's hips (n, 2) in source px."""
    time_s = walk_times(walk)
    hips = skeleton_at(passer_by_gait(walk), time_s).xyz[:, [POINT_INDEX[HIP_CENTER]]]
    return project_points(walk_camera(walk), hips, time_s)[0][:, 0]


def visible_shares(walk: Walk) -> NDArray[np.float64]:
    """Share (n,) of the walker's drawn body that the second walker leaves visible."""
    small = replace(walk, size_px=DRAWN_SMALL_PX)
    left, whole = (
        np.array([np.count_nonzero(mask > 127) for _, mask, _ in draw_walk(replace(small, crossing=crossing))])
        for crossing in (walk.crossing, False)
    )
    return np.asarray(left / np.maximum(whole, 1))


if __name__ == "__main__":
    main()
