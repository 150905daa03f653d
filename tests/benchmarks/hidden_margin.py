"""Cut the outer 15 % off a clip on each side, let the program continue the rest, and compare with what was cut off.

    python -m tests.benchmarks.hidden_margin FOLDER [VIDEO ...] [--every 8]

Without VIDEO the clips are the sample videos with a person and two drawn walkers. The inner part is written without
loss, then the stages run on it as on any clip. PSNR is that of the luma, over every 8th frame. People are left out: the
program cannot know where a hidden person stands. FOLDER keeps the results of the stages, so a second run is short.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import NobodyFound
from tasks.maths.arrays import Flags
from tasks.maths.path import affine
from tasks.media.input.frames import Frame, read_frames
from tasks.media.output.output_file import PictureStream
from tasks.media.output.video_writer import VideoWriter
from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.crop import small_size
from tasks.media.planes.layout import PixelLayout, Plane, Planes, clip_layout
from tasks.media.planes.region import Region
from tasks.media.planes.warp import warp_planes
from tasks.media.scene.border import SceneFiles
from tasks.media.scene.hidden_people import hidden_people
from tasks.records import Clip, read_clip
from tasks.requests import SceneRequest
from tests.benchmarks.sample_clips import crossing_walker, panning_walker, samples
from tests.support.stages import Watched, made, watched

CUT_SHARE: Final = 0.15  # of the width and of the height, on each side
SEEN_SHARE: Final = 0.8  # of a place: from which it counts as seen by another frame
LONGEST_PX: Final = 480  # of the masks of people
HEAD: Final = ["clip", "seen", "mirror there", "scene there", "", "mirror, unseen", "scene", "mirror, all", "scene", ""]


@dataclass
class Errors:
    """Squared errors of two borders over some places."""

    places: int = 0
    mirror: float = 0.0
    scene: float = 0.0

    def add(self, where: Flags, mirror: NDArray[np.float32], scene: NDArray[np.float32]) -> None:
        self.places += int(where.sum())
        self.mirror += float(mirror[where].sum())
        self.scene += float(scene[where].sum())

    @property
    def psnr_db(self) -> tuple[float, float]:
        """Of the mirror and of the scene; NaN without places."""
        if not self.places:
            return np.nan, np.nan
        mean = np.array([self.mirror, self.scene]) / self.places
        mirror, scene = (10 * np.log10(255**2 / np.maximum(mean, 1e-9))).tolist()
        return mirror, scene


@dataclass
class Margin:
    """What was filled in a clip, compared with what was cut off."""

    seen: Errors = field(default_factory=Errors)
    unseen: Errors = field(default_factory=Errors)
    whole: Errors = field(default_factory=Errors)

    def row(self, name: str) -> list[str]:
        cells = [f"{self.seen.places / max(self.whole.places, 1):.0%}"]
        for errors, gain in ((self.seen, True), (self.unseen, False), (self.whole, True)):
            mirror, scene = errors.psnr_db
            told = [f"{mirror:.1f}", f"{scene:.1f}", *([f"{scene - mirror:+.1f}"] if gain else [])]
            cells += told if errors.places else [""] * len(told)
        return [name, *cells]


def main() -> None:
    asked = arguments()
    videos = asked.videos or [*samples(), panning_walker(asked.folder), crossing_walker(asked.folder)]
    for cells in (HEAD, ["---"] * len(HEAD)):
        print("| " + " | ".join(cells) + " |", flush=True)
    for video in videos:
        try:
            cells = measured(video.absolute(), asked.folder, asked.every, asked.pictures).row(video.stem)
        except NobodyFound:
            cells = [video.stem, "nobody is found in the inner part", *[""] * (len(HEAD) - 2)]
        print("| " + " | ".join(cells) + " |", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.hidden_margin", description="Compare what fills a border with the truth."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where results are kept")
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--every", type=int, default=8, metavar="N", help="compare every Nth frame")
    parser.add_argument("--pictures", action="store_true", help="write truth, mirror and scene of some frames there")
    return parser.parse_args()


def measured(video: Path, folder: Path, every: int, pictures: bool) -> Margin:
    """The errors of both borders on one clip."""
    cache = folder / "cache"
    whole = watched(cache, [], video)
    clip = read_clip(whole.clip)
    inner = inner_part(clip)
    watched_inner = watched(cache, [], write_inner(folder / f"{video.stem}_inner.mp4", video, clip, inner))
    border = scene_of(watched_inner).continued
    people = hidden_in(whole, clip)
    hidden = hidden_in(watched_inner, read_clip(watched_inner.clip))
    to_output = affine.translation(np.array([inner.x0, inner.y0], np.float64))
    layout, margin = clip_layout(clip), Margin()
    own = inner.size_px[0] * inner.size_px[1] / (clip.width_px * clip.height_px)
    cut_off = np.ones(clip.size_px[::-1], np.bool_)
    cut_off[inner.y0 : inner.y1, inner.x0 : inner.x1] = False
    for frame, person, mask in zip(read_frames(video, clip), people, hidden, strict=True):
        if frame.index % every:
            continue
        planes = part(frame, layout, inner)
        mirror = warp_planes(planes, layout, to_output, clip.size_px)
        filled, _ = border.fill(frame.index, planes, mask, to_output, clip.size_px, own, "cubic")
        free = cut_off & (cv2.resize(person, clip.size_px) == 0)
        share = cv2.resize(border.seen_share(frame.index, to_output, clip.size_px), clip.size_px)
        seen = np.asarray(share > SEEN_SHARE)
        errors = [squared(frame.planes[0], other[0], layout.depth) for other in (mirror, filled)]
        for kept, where in ((margin.seen, free & seen), (margin.unseen, free & ~seen), (margin.whole, free)):
            kept.add(where, *errors)
        if pictures and frame.index % (every * 8) == 0:
            row = np.hstack([frame.planes[0], mirror[0], filled[0]])
            cv2.imwrite(str(folder / f"{video.stem}_{frame.index:04d}.png"), row)
    return margin


def inner_part(clip: Clip) -> Region:
    """What is left of the picture; its corners are even."""
    x, y = (2 * round(size * CUT_SHARE / 2) for size in clip.size_px)
    return Region(x, y, clip.width_px - x, clip.height_px - y)


def part(frame: Frame, layout: PixelLayout, region: Region) -> Planes:
    """A part of a frame, in planes of their own."""
    planes: list[Plane] = []
    for index, plane in enumerate(frame.planes):
        step_x, step_y = sample_spacing(layout, index)
        width, height = layout.plane_wh(index, region.size_px)
        cut = plane[region.y0 // step_y :, region.x0 // step_x :][:height, :width]
        planes.append(np.ascontiguousarray(cut))
    return tuple(planes)


def write_inner(path: Path, video: Path, clip: Clip, inner: Region) -> Path:
    """Write the inner part of a clip without loss; kept if it is there."""
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    layout = clip_layout(clip)
    pictures = PictureStream(inner.size_px, layout, clip.time_base, clip.rate, clip.color, Fraction(clip.pixel_aspect))
    with VideoWriter(path, pictures, crf=0, preset="ultrafast") as sink:
        for frame in read_frames(video, clip):
            sink.write(part(frame, layout, inner), frame.pts, frame.duration)
    return path


def scene_of(inner: Watched) -> SceneFiles:
    """What the scene stage makes of the inner part."""
    clip = read_clip(inner.clip)
    made_of = made(inner.cache, SceneRequest(inner.source, clip=inner.clip, found=inner.found))
    return SceneFiles(
        plates=made_of.path("plates.zip"),
        hidden=made_of.path("hidden.npz"),
        camera=made_of.path("camera.parquet"),
        layout=clip_layout(clip),
        size_px=clip.size_px,
        chroma_location=clip.color.chroma_location,
    )


def hidden_in(video: Watched, clip: Clip) -> Iterator[NDArray[np.uint8]]:
    """For each frame (h, w), small: 255 where people are."""
    people, bodies = video.found.path("people.parquet"), video.found.path("bodies.npz")
    rate_hz, small_px = float(clip.rate), small_size(clip.size_px, LONGEST_PX)
    return hidden_people(people, bodies, clip.frames, rate_hz, clip.size_px, small_px)


def squared(first: Plane, second: Plane, depth: int) -> NDArray[np.float32]:
    """Squared difference in levels of 8 bits."""
    difference = (first.astype(np.float32) - second) / np.float32(1 << (depth - 8))
    return np.asarray(difference * difference)


if __name__ == "__main__":
    main()
