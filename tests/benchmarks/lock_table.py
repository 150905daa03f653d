"""Compare ways to hold a walker: drawn walkers with their truth, and the steps that are left in real clips.

    python -m tests.benchmarks.lock_table FOLDER [--walkers level,limp] [--seeds 1,2,3] [--ways fused]
        [--clips VIDEO ...] [--edge]

Each walker is drawn, its pose is measured once, and it is held in each way. All results are kept in FOLDER, so a second
run is quick. The table is printed as Markdown. Its figures are px: where the true hips are in the output, or the true
shoulders where these are held. With ``--clips`` there is a second table: the ``residual_step`` of each clip in the
rendered file (``verify=true``), with a black border. With ``--edge`` a table of walkers at the edge of the picture.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from tasks.maths.anchor import gaps
from tasks.maths.anchor.anchor_point import choose_anchor, hide_outside_landmarks
from tasks.maths.anchor.fusion import FusionSettings, fuse
from tasks.maths.anchor.states import ABSENT, SEEN_STATES
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import LANDMARK_NAMES, SHOULDERS, torso_length_px
from tasks.maths.body.stride import pose_stride_hz
from tasks.maths.path import framing
from tasks.maths.tracking.steps import steps_from_table
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import points_of, read_table
from tasks.records import read_clip
from tests.benchmarks.sample_clips import AT_EDGE, walker_at_edge
from tests.support.lock_figures import Figures, figures, within
from tests.support.stages import Watched, held, judged, watched

WALKERS: Final = {
    "level": [],
    "24 fps": ["demo.fps=24"],
    "60 fps": ["demo.fps=60"],
    "1920x1080": ["demo.width=1920", "demo.height=1080"],
    "one minute": ["demo.seconds=60"],
    "limp": ["demo.limp=1"],
    "lean": ["demo.lean_deg=15"],
    "turn": ["demo.turn_deg_s=15"],
    "approach": ["demo.heading_deg=90"],
    "cut above hips": ["demo.cut_above_hips=true", "demo.person=1.1"],
    "pole": ["demo.pole_s=0.5"],
    "away": ["demo.away_s=2"],
    "crossing": ["demo.crossing=true"],
}
WAYS: Final = {
    "pose + moving 5": ["anchor.fusion=false", "smoothing=moving"],
    "fused + moving 5": ["smoothing=moving"],
    "fused + savgol 5": ["smoothing=savgol"],
    "fused + none": ["smoothing=none"],
    **{f"{hz} Hz + none": [f"anchor.crossover_hz={hz}", "smoothing=none"] for hz in (0.2, 0.5, 1.0, 2.0)},
}
STREAMS: Final = {"mean + none": "", "waist + none": "waist_", "hips + none": "hip_"}
NEAR_EDGE_TORSOS: Final = 0.6  # hips nearer to a side of the picture: it cuts a leg of a walker, or more
HEAD: Final = ["walker", "way", "x", "y", "sway", "tremble", "jump", "switches"]


def main() -> None:
    asked = arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    ways = [way for way in (*WAYS, *STREAMS) if asked.ways is None or way.startswith(tuple(asked.ways.split(",")))]
    walkers = list(WALKERS) if asked.walkers is None else asked.walkers.split(",")
    if walkers != [""]:
        print_row(HEAD)
        print_row(["---"] * len(HEAD))
    for name in walkers if walkers != [""] else []:
        for seed in asked.seeds.split(","):
            overrides = ["demo.seconds=10", f"demo.seed={seed}", *WALKERS[name]]
            walker = watched(asked.folder, overrides)
            for way in ways:
                result, switches = against_truth(walker, way)
                shown = name if asked.seeds == "1" else f"{name}, seed {seed}"
                print_row([shown, way, *result.row, str(switches)])
    if asked.edge:
        print()
        for row in at_edge(asked.folder):
            print_row(row)
    if asked.clips:
        print()
        for row in on_clips(asked.folder, asked.clips, [way for way in ways if way in WAYS]):
            print_row(row)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.lock_table", description="Compare ways to hold a walker."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where results are kept")
    parser.add_argument("--walkers", help=f"some of {','.join(WALKERS)}")
    parser.add_argument("--ways", help="names, or their beginnings, of: " + ",".join((*WAYS, *STREAMS)))
    parser.add_argument("--seeds", default="1", help="seeds of the drawing: gait, clothes, camera")
    parser.add_argument("--edge", action="store_true", help="also walkers at the edge of the picture")
    parser.add_argument("--clips", nargs="*", type=Path, default=[], metavar="VIDEO")
    return parser.parse_args()


def print_row(cells: list[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def against_truth(walker: Watched, way: str) -> tuple[Figures, int]:
    """Figures of a walker that is held in one way, and how often the followed person changed."""
    clip = read_clip(walker.clip)
    switches = int(walker.subject.facts["identity_switches"])
    if way in STREAMS:
        pose = read_pose(walker.subject.path("pose.parquet"))
        anchor = choose_anchor(hide_outside_landmarks(pose, clip.size_px), "auto", min_confidence=0.5, weighted=False)
        path = fuse(
            pose.time_s,
            anchor.anchor.xy_px,
            anchor.anchor.confidence,
            steps_from_table(read_table(walker.subject.path("motion.parquet"))),
            torso_length_px(pose.xy_px),
            stride_hz=pose_stride_hz(pose),
            settings=FusionSettings(streams=(STREAMS[way],)),
        )
        shift, state = np.array(framing.resolve_target("center", clip.size_px)) - path.xy_px, path.state
        state = gaps.mark_absent(pose.time_s, state, 1.0)
        point, time_s = anchor.point, pose.time_s
    else:
        made = held(walker, WAYS[way])
        table = read_table(made.trajectory.path("trajectory.parquet"))
        shift, state, time_s = np.stack([table["dx_px"], table["dy_px"]], axis=1), table["state"], table["time_s"]
        point = str(made.offsets.facts["point"])
    known = truth_of(walker, point)
    present = within(known, clip.size_px) & (state != ABSENT)
    return figures(known + shift, time_s, present), switches


def truth_of(walker: Watched, point: str) -> Floats:
    """True middle of the hips or shoulders, (n, 2), in source px."""
    assert walker.demo is not None
    table = read_table(walker.demo.path("truth.parquet"))
    names = {"hips": ["hip_center"], "shoulders": [LANDMARK_NAMES[index] for index in SHOULDERS]}[point]
    parts = [np.stack([table[axis][table["landmark"] == name] for axis in ("x_px", "y_px")], axis=1) for name in names]
    return np.asarray(np.mean(parts, axis=0))


def at_edge(folder: Path) -> Iterator[list[str]]:
    """Rows of the walkers at the edge: how far the anchor is off where the hips are near it, or beyond it, without a
    constant distance; rms, and rms of its change from frame to frame. Last all of them together."""
    yield ["walker", "frames", "hips off", "tremble"]
    yield ["---"] * 4
    together: list[tuple[Floats, Floats]] = []
    for name in AT_EDGE:
        path, hips_xy, width_px, torso_px = walker_at_edge(folder, name)
        table = read_table(held(watched(folder, [], path), ["smoothing=none"]).offsets.path("offsets.parquet"))
        seen = np.isin(table["state"], SEEN_STATES)
        off = points_of(table, "anchor") - hips_xy
        off -= np.median(off[seen], axis=0)
        beside_px = np.minimum(hips_xy[:, 0], width_px - 1 - hips_xy[:, 0])
        near = seen & (beside_px < NEAR_EDGE_TORSOS * torso_px)
        together.append((off[near], np.diff(off, axis=0)[near[1:] & near[:-1]]))
        yield [name, str(near.sum()), *(f"{rms(part):.2f}" for part in together[-1])]
    offs, steps = (np.concatenate(parts) for parts in zip(*together, strict=True))
    yield ["all", str(len(offs)), f"{rms(offs):.2f}", f"{rms(steps):.2f}"]


def rms(values: Floats) -> float:
    """Root mean square length of the rows (n, 2)."""
    return float(np.sqrt(np.mean(np.sum(values**2, axis=1))))


def on_clips(folder: Path, clips: list[Path], ways: list[str]) -> Iterator[list[str]]:
    """Rows of the real clips: ``residual_step`` in the rendered file for each way."""
    yield ["clip", "source", *ways]
    yield ["---"] * (len(ways) + 2)
    for path in clips:
        video = watched(folder, [], path.absolute())
        found = [judged(video, held(video, [*WAYS[way], "border=constant"])) for way in ways]
        steps = [float(figures["residual_step"]) for figures in found]
        shares = [f"{step:.2f} ({100 * step / steps[0]:.0f} %)" for step in steps]
        yield [path.name, f"{found[0]['residual_step_before']:.2f}", *shares]


if __name__ == "__main__":
    main()
