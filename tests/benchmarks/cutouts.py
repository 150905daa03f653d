"""Measure cut-outs: how near to the truth on drawn walkers, and how many parts pop in or out for a single frame.

    python -m tests.benchmarks.cutouts [VIDEO ...] [--walkers 3] [--set masks.plate=false]

Prints a table: IoU is intersection over union with the drawn walker's true mask, mean over the frames; *edge* the mean
distance of the two outlines in px at 540 lines, both ways. A *pop* is a frame whose area differs from that of the frame
before by more than 0.3 % of the person, and the next frame takes that much back. *Pieces* are single pieces of that
size that one frame shows or lacks against both neighbours, as the picture is held; arms and legs that swing fast count
too. *Moved*: pieces, and frames in which they sum up to that size, when the neighbours are first moved as the picture
moves, so that a leg that passes the other does not count; in brackets, of the true mask. *Pops left*: pops that are
among these frames, so motion does not explain them. CPU is of the cut-out and its composition alone. Without VIDEO the
real clips are two of the sample videos.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from conf.config import Config
from conf.render import BackgroundConf, BorderConf
from tasks.demo.demo_video import walk_from_settings
from tasks.demo.walker import draw_walk
from tasks.maths.arrays import Flags
from tasks.media.files.masks_file import MaskState, read_masks
from tasks.media.matting.cutout import draw_cutout
from tasks.media.output.person_frames import person_frames
from tasks.media.output.render_frame import Placement, read_placement, read_scene, render_frames
from tasks.media.planes.layout import Plane
from tasks.rendering.videos import backdrop, cut_frames
from tasks.requests import RenderRequest, SceneRequest
from tests.benchmarks.measuring import ROOT
from tests.support.stages import Watched, held, made, masked, watched

SAMPLES = [ROOT.parent / "shared" / "videos" / name for name in ("moonwalk.mp4", "lab_walk_side.mp4")]
WALKERS = (
    ["demo.seconds=3"],
    ["demo.seconds=3", "demo.shake_px=0", "demo.seed=5"],
    ["demo.seconds=4", "demo.seed=3", "demo.crossing=true"],
)
POP_SHARE = 0.003
LINES = 540
HEAD = ["clip", "IoU", "edge px", "pops", "pieces", "pops, moved", "pieces, moved", "pops left", "CPU ms"]


class Cut(NamedTuple):
    """What the cut-out of a clip shows."""

    shown: list[Flags]  # (h, w) of the output in each frame; empty where nobody was found
    halves: list[Plane]  # (h, w) luma of the output at half its size
    placement: Placement
    cpu_ms: float  # a frame


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cutouts", description="Measure cut-outs.")
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--walkers", type=int, default=len(WALKERS), help="so many of the drawn walkers")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the program")
    asked = parser.parse_args()
    for cells in (HEAD, ["---"] * len(HEAD)):
        print("| " + " | ".join(cells) + " |", flush=True)
    with tempfile.TemporaryDirectory(prefix="stillwalk-bench-") as scratch:
        for overrides in WALKERS[: asked.walkers]:
            video = watched(Path(scratch), [*overrides, *asked.set])
            cut = cut_of(video, [*overrides, *asked.set])
            print(row(" ".join(["walker", *overrides]), cut, truth(held(video, overrides).config, cut.placement)))
        for path in asked.videos or [path for path in SAMPLES if path.is_file()]:
            print(row(path.name, cut_of(watched(Path(scratch), asked.set, path), asked.set), None))


def cut_of(video: Watched, overrides: list[str]) -> Cut:
    """Cut the person out of every frame as ``person.mp4`` shows it."""
    way = held(video, overrides)
    config, placement = way.config, read_placement(video.clip, way.trajectory)
    masks = masked(video, config)
    plates = None
    if config.masks.plate:
        plates = made(video.cache, SceneRequest(video.source, clip=video.clip, found=video.found))
    request = RenderRequest(
        output="person.mp4",
        source=video.source,
        clip=video.clip,
        trajectory=way.trajectory,
        border=BorderConf(),
        render=config.render,
        background=BackgroundConf(),
        matte=config.masks,
        masks=masks,
        scene=plates,
    )
    found = [mask.state != MaskState.nobody for mask in read_masks(masks.path("masks.npz"))]
    scene = None if plates is None else read_scene(plates, placement)
    pictures = render_frames(video.source, placement, cache_mb=None, scene=scene)
    smoothing, refine = config.masks.smoothing, config.masks.refine
    people = person_frames(
        pictures,
        placement,
        masks.path("masks.npz"),
        smoothing=smoothing,
        refine=refine,
        by_plate=plates is not None,
        mattes=None,
    )
    cuts = cut_frames(request, placement, people)
    behind, shown, halves, spent = backdrop(request, placement), [], [], 0.0
    began = time.process_time()
    for (frame, cut, _, _), somebody in zip(cuts, found, strict=True):
        opaque = np.zeros(placement.size_px[::-1], np.bool_)
        if cut is not None and somebody:
            draw_cutout(cut, behind(frame, cut), placement.layout)
            region = cut.region
            opaque[region.y0 : region.y1, region.x0 : region.x1] = cut.opacity[0] >= 0.5
        shown.append(opaque)
        spent += time.process_time() - began
        halves.append(half(frame.picture.planes[0], placement, frame.picture.index))
        began = time.process_time()
    return Cut(shown, halves, placement, 1000 * spent / len(shown))


def half(luma: Plane, placement: Placement, frame: int) -> Plane:
    """The luma of a frame as the output holds it, in 8 bits and at half the size."""
    there = cv2.warpAffine(luma, placement.to_output[frame], placement.size_px, borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(there, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(small >> (placement.layout.depth - 8), np.uint8)


def truth(config: Config, placement: Placement) -> Iterator[Flags]:
    """The drawn walker's own mask in each frame of the output."""
    for (_, mask, _), matrix in zip(draw_walk(walk_from_settings(config.demo)), placement.to_output, strict=True):
        yield np.asarray(cv2.warpAffine(mask, matrix, placement.size_px) > 127)


def row(name: str, cut: Cut, known: Iterator[Flags] | None) -> str:
    """A line of the table."""
    near: list[Any] = ["", ""]
    truly = ["", ""]
    if known is not None:
        true_masks = list(known)
        pairs = [
            (overlap(shown, true), outline_error_px(shown, true))
            for shown, true in zip(cut.shown, true_masks, strict=True)
        ]
        iou, edge_px = np.array(pairs).T
        near = [f"{iou.mean():.3f}", f"{np.nanmean(edge_px) * LINES / cut.placement.size_px[1]:.2f}"]
        steady, pieces = changes_beside_motion(cut, true_masks)
        truly = [f" ({len(steady)})", f" ({pieces})"]
    pops, pieces = single_frame_changes(cut.shown)
    changed, moving = changes_beside_motion(cut, cut.shown)
    beside = [f"{len(changed)}{truly[0]}", f"{moving}{truly[1]}", str(len(pops & changed))]
    cells = [name, *near, str(len(pops)), str(pieces), *beside, f"{cut.cpu_ms:.1f}"]
    return "| " + " | ".join(cells) + " |"


def overlap(shown: Flags, true: Flags) -> float:
    """Intersection over union."""
    return float((shown & true).sum() / max((shown | true).sum(), 1))


def outline_error_px(shown: Flags, true: Flags) -> float:
    """Mean distance between the outlines of two masks, both ways; NaN where one is empty."""
    outlines = [part & (cv2.erode(part.view(np.uint8), np.ones((3, 3), np.uint8)) == 0) for part in (shown, true)]
    if not all(outline.any() for outline in outlines):
        return float("nan")
    far = [cv2.distanceTransform((~outline).view(np.uint8), cv2.DIST_L2, 5) for outline in outlines]
    return float((far[1][outlines[0]].mean() + far[0][outlines[1]].mean()) / 2)


def single_frame_changes(shown: list[Flags]) -> tuple[set[int], int]:
    """Which frames pop, and how many pieces do (see the module)."""
    areas = [int(part.sum()) for part in shown]
    pops: set[int] = set()
    pieces = 0
    for at in range(1, len(shown) - 1):
        before, now, after = areas[at - 1 : at + 2]
        if min(before, now, after) == 0:
            continue
        least = POP_SHARE * now
        if (now - before) * (after - now) < 0 and min(abs(now - before), abs(after - now)) > least:
            pops.add(at)
        pieces += int((piece_sizes(alone(shown[at], [shown[at - 1], shown[at + 1]])) > least).sum())
    return pops, pieces


def changes_beside_motion(cut: Cut, shown: list[Flags]) -> tuple[set[int], int]:
    """The same for masks ``shown`` of the same frames, where the neighbours are moved as the picture moves."""
    pops: set[int] = set()
    pieces = 0
    for at in range(1, len(shown) - 1):
        now = shown[at]
        near = [moved(shown[other], cut.halves[at], cut.halves[other]) for other in (at - 1, at + 1)]
        if not all(part.any() for part in (now, *near)):
            continue
        least, changed = POP_SHARE * now.sum(), alone(now, near)
        grown = int((changed & now).sum()) - int((changed & ~now).sum())
        if abs(grown) > least:
            pops.add(at)
        pieces += int((piece_sizes(changed) > least).sum())
    return pops, pieces


def alone(now: Flags, near: list[Flags]) -> Flags:
    """What one mask shows or lacks against both its neighbours, but for lines."""
    changed = ((now != near[0]) & (now != near[1])).view(np.uint8)
    return np.asarray(cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def piece_sizes(changed: Flags) -> NDArray[np.int32]:
    """The area of each separate piece."""
    return np.asarray(cv2.connectedComponentsWithStats(changed.view(np.uint8))[2][1:, cv2.CC_STAT_AREA], np.int32)


def moved(mask: Flags, picture: Plane, neighbour: Plane) -> Flags:
    """The mask of a ``neighbour`` as the picture has moved since; both pictures are half as large."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = search.calc(picture, neighbour, np.zeros((*picture.shape, 2), np.float32))
    rows, columns = mask.shape
    flow = cv2.resize(flow, (columns, rows), interpolation=cv2.INTER_LINEAR) * np.float32(2)
    at_x = flow[..., 0] + np.arange(columns, dtype=np.float32)
    at_y = flow[..., 1] + np.arange(rows, dtype=np.float32)[:, None]
    level = mask.view(np.uint8) * np.uint8(255)
    return np.asarray(cv2.remap(level, at_x, at_y, cv2.INTER_LINEAR) > 127)


if __name__ == "__main__":
    main()
