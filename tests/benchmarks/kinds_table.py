"""Run the program on many kinds of scenes: who is a person has to be found and followed, and nothing else.

    python -m tests.benchmarks.kinds_table FOLDER [--frames 48] [--only lying,photo]

Drawn scenes, and clips made from the sample videos: turned, cut, slowed down, darkened, blurred, and single frames of
them as photos that a camera passes. The videos are 360 px high and short. Results are kept in FOLDER: the same program
runs quickly again. The exit status is 0 where every clip came out as it should: a person in at least 90 % of the
frames, or nobody.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.demo.walker import Walk, draw_walk
from tests.benchmarks.sample_clips import SAMPLES
from tests.support.drawn.empty_scenes import RATE_HZ, write_video
from tests.support.drawn.moving_scenes import MOVING, moving_frames
from tests.support.drawn.postures import YAW_DEG, posture_frames
from tests.support.program import ROOT

Image = NDArray[np.uint8]
Frames = Iterable[Image]
HEIGHT_PX: Final = 360
FOUND_SHARE: Final = 0.9
PERSON, NOBODY = "person", "nobody"
Change = Callable[[list[Image]], Frames]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.kinds_table")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the videos and the results are kept")
    parser.add_argument("--frames", type=int, default=48, help="of each video")
    parser.add_argument("--only", default="", help="parts of names, with commas")
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    videos = folder / f"videos_{asked.frames}"
    videos.mkdir(parents=True, exist_ok=True)
    wanted = {}
    for name, expected, made in clips(asked.frames):
        if any(part in name for part in asked.only.split(",")):
            wanted[name] = expected
            if not (path := videos / f"{name}.mp4").exists():
                write_video(path, iter(made()))
    run_program(folder, [videos / f"{name}.mp4" for name in wanted])
    print("| clip | there is | found | right |\n| --- | --- | --- | --- |")
    wrong = 0
    for name, expected in wanted.items():
        told, right = outcome(folder / "out" / name, expected)
        wrong += not right
        print(f"| {name} | {expected} | {told} | {'yes' if right else 'NO'} |")
    print(f"\n{len(wanted) - wrong} of {len(wanted)} clips are right")
    sys.exit(int(wrong > 0))


def run_program(folder: Path, videos: list[Path]) -> None:
    for video in videos:  # a run that fails leaves the results of an earlier one as they are
        shutil.rmtree(folder / "out" / video.stem, ignore_errors=True)
    listed = "[" + ",".join(map(str, videos)) + "]"
    places = [f"output_dir={folder / 'out'}", f"cache_dir={folder / 'cache'}"]
    command = [sys.executable, "-P", "-m", "flows.stabilize", f"video={listed}", *places, "outputs=[pose]"]
    subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)


def outcome(results: Path, expected: str) -> tuple[str, bool]:
    """What the program said of a clip, and whether that is right."""
    error = json.loads((results / "run.json").read_text())["error"]
    if error:
        return error, expected == NOBODY and error.startswith("no person found")
    rows = json.loads((results / "pose.json").read_text())["all_keypoints"]
    found = sum(bool(one["keypoints"]) for one in rows)
    return f"{found} of {len(rows)} frames", expected == PERSON and found >= FOUND_SHARE * len(rows)


def clips(frames: int) -> Iterator[tuple[str, str, Callable[[], Frames]]]:
    """Name, what is there, and the pictures of each clip."""
    for kind in MOVING:
        yield f"drawn_{kind}", NOBODY, partial(moving_frames, kind, frames, seed=1)
    for pan_px in (0.0, 3.0):
        yield f"drawn_mannequin_{pan_px:g}", NOBODY, partial(posture_frames, "mannequin", frames, pan_px=pan_px)
    yield "drawn_mannequin_swept", NOBODY, partial(posture_frames, "mannequin", frames, pan_px=3.0, sweep_px=20.0)
    for posture in YAW_DEG:
        yield f"drawn_{posture}", PERSON, partial(posture_frames, posture, frames)
    for posture in ("stands", "stands_behind", "sits"):
        yield f"drawn_{posture}_passed", PERSON, partial(posture_frames, posture, frames, pan_px=3.0)
    yield "drawn_bicycle_passes", PERSON, partial(posture_frames, "bicycle", frames, person=0.45, pan_px=4.0)
    yield "drawn_small_stands", PERSON, partial(posture_frames, "stands", frames, person=0.25)
    for name, walk in walks(frames).items():
        yield f"drawn_{name}", PERSON, partial(walk_frames, walk)
    for sample, (first, changes) in PEOPLE.items():
        for change in changes:
            yield f"{_word(sample)}_{change}", PERSON, partial(changed, sample, first, frames, CHANGES[change])
    for sample, (first, _) in PEOPLE.items():
        for name, pan_px in (("still", 0.0), ("passed", 3.0)):
            taken = partial(photo, frames=frames, pan_px=pan_px)
            yield f"photo_{name}_{_word(sample)}", NOBODY, partial(changed, sample, first + 15, 1, taken)
    for sample, first in (("phone_h263_bad_metadata.3gp", 0), ("phone_rotated_printed_figure.mov", 20)):
        yield _word(sample), NOBODY, partial(changed, sample, first, frames, CHANGES["plain"])
    empty = partial(photo, frames=frames, pan_px=3.0)
    yield "lab_empty", NOBODY, partial(changed, "lab_walk_side.mp4", 0, 1, empty)
    yield "gym_without_her", NOBODY, partial(changed, "gym_jog_moving_camera.mp4", 0, frames, CHANGES["right"])


def _word(sample: str) -> str:
    return "_".join(sample.split(".")[0].split("_")[:2])


def walks(frames: int) -> dict[str, Walk]:
    """Drawn walkers who go away, come, or are cut by the frame."""
    walk = Walk(size_px=(640, 360), seconds=frames / RATE_HZ, fps=Fraction(RATE_HZ), speed=0.15)
    return {
        "walks_away": replace(walk, heading_deg=-90),
        "comes": replace(walk, heading_deg=90),
        "cut_above_hips": replace(walk, speed=0.2, person=1.1, cut_above_hips=True),
    }


def walk_frames(walk: Walk) -> Frames:
    return (rgb for rgb, _, _ in draw_walk(walk))


def changed(sample: str, first: int, frames: int, change: Change) -> Frames:
    return change(sample_frames(SAMPLES / sample, first, frames))


def sample_frames(path: Path, first: int, frames: int) -> list[Image]:
    """RGB frames from number ``first`` on, 360 px high."""
    pictures = []
    with av.open(str(path), metadata_errors="replace") as file:
        for number, frame in enumerate(file.decode(video=0)):
            if number >= first:
                rgb = frame.to_ndarray(format="rgb24")
                width = round(rgb.shape[1] * HEIGHT_PX / rgb.shape[0] / 2) * 2
                pictures.append(np.asarray(cv2.resize(rgb, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8))
            if len(pictures) == frames:
                break
    return pictures


def photo(pictures: list[Image], frames: int, pan_px: float) -> Iterator[Image]:
    """The first picture before a hand-held camera that pans by ``pan_px`` a frame and comes 5 % nearer."""
    rgb, random = pictures[0], np.random.default_rng(4)
    height, width = rgb.shape[:2]
    for number in range(frames):
        zoom = 1 + 0.05 * number / frames * (pan_px > 0)
        shake = random.normal(0, 0.4, 2)
        shift = np.array([-pan_px * (number - frames / 2), 0]) + shake + (1 - zoom) * np.array([width, height]) / 2
        matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
        moved = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        yield np.clip(moved + random.normal(0, 2.5, moved.shape), 0, 255).astype(np.uint8)


def slowed(frames: list[Image]) -> Iterator[Image]:
    """As many pictures of the first third: a third of the speed, blended."""
    for number in range(len(frames)):
        low, share = number // 3, number % 3 / 3
        yield cv2.addWeighted(frames[low], 1 - share, frames[low + 1], share, 0).astype(np.uint8)


def _each(change: Callable[[Image], Image]) -> Change:
    return lambda frames: (np.ascontiguousarray(change(rgb)) for rgb in frames)


def _coarse(rgb: Image) -> Image:
    """As a video of few bits: blocks of JPEG at quality 12."""
    coded = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 12])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _smaller(rgb: Image) -> Image:
    size = (rgb.shape[1] // 5 * 2, rgb.shape[0] // 5 * 2)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


CHANGES: Final[dict[str, Change]] = {
    "plain": _each(lambda rgb: rgb),
    "lying": _each(lambda rgb: np.rot90(rgb)),
    "mirrored": _each(lambda rgb: rgb[:, ::-1]),
    "waist": _each(lambda rgb: rgb[: rgb.shape[0] * 29 // 50 // 2 * 2]),
    "hips": _each(lambda rgb: rgb[: rgb.shape[0] * 19 // 25 // 2 * 2]),
    "right": _each(lambda rgb: rgb[:, 400:]),
    "head": _each(lambda rgb: rgb[: rgb.shape[0] // 4 * 2]),
    "small": _each(_smaller),
    "dark": _each(lambda rgb: (rgb * 0.2).astype(np.uint8)),
    "gray": _each(lambda rgb: np.repeat(rgb.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)),
    "blurred": _each(lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 2.5).astype(np.uint8)),
    "coarse": _each(_coarse),
    "slow": slowed,
}
PEOPLE: Final[dict[str, tuple[int, tuple[str, ...]]]] = {
    "moonwalk.mp4": (0, ("lying", "mirrored", "waist", "small", "dark", "gray", "blurred", "coarse", "slow")),
    "lab_walk_side.mp4": (90, ("plain", "slow", "lying")),
    "gym_jog_moving_camera.mp4": (30, ("plain", "lying", "waist")),
    "signing_woman_full_range.mkv": (0, ("plain", "slow", "head", "gray", "dark")),
    "treadmill_run_portrait.mp4": (30, ("plain", "hips")),
    "two_people_vp9_audio.mp4": (0, ("plain", "slow", "small")),
}

if __name__ == "__main__":
    main()
