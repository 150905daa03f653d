"""Which share of the pose stage's CPU time is the search for people who are not followed yet, and its looks.

    python -m tests.benchmarks.cost.search_share FOLDER VIDEO ... [--seconds 6] [--size 0.6]

The stage runs in one thread. To open a pose model is a part of the stage, but not of the search. FOLDER keeps the
decoded clips, and those that are made smaller: ``--size`` is the share of width and height that is left. The looks are
calls of the model; those that confirm a find count too.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

import av

from conf.clip import ClipConf
from conf.enums import Device
from conf.input import DecodeConf, ModelsConf, PoseConf
from tasks import pose
from tasks.cache.store import sha256_of
from tasks.models import people
from tasks.models.people import PeopleTracker
from tasks.models.pose import PoseEstimator, open_pose_estimator
from tasks.models.runtime import DeviceUse
from tasks.models.sources import model_files
from tasks.requests import DecodeRequest, PoseRequest
from tests.support.stages import made

HEAD: Final = ["clip", "frames", "stage, CPU ms a frame", "search, CPU ms a frame", "share", "looks of the search"]
SETTINGS: Final = PoseConf()
CRF: Final = "12"  # of clips that are made smaller: hardly any loss beside that of the size


class Clock:
    """CPU seconds of all threads of this process that are spent on the search, and its looks."""

    def __init__(self) -> None:
        self.spent_s = 0.0
        self.looks = 0
        self._sign = 0  # 1 within a call that counts, 0 elsewhere

    def counting(self, call: Callable[..., Any], *, counts: bool = True) -> Callable[..., Any]:
        """The same function; its time counts, or does not although that of the function around it does."""

        def counted(*args: Any) -> Any:
            before = self._sign
            self._switch(int(counts))
            try:
                return call(*args)
            finally:
                self._switch(before)

        return counted

    def noting(self, look: Callable[..., Any]) -> Callable[..., Any]:
        """The same function; its calls are counted."""

        def noted(*args: Any) -> Any:
            self.looks += 1
            return look(*args)

        return noted

    def _switch(self, sign: int) -> None:
        self.spent_s += (self._sign - sign) * time.process_time()
        self._sign = sign


def main() -> None:
    asked = arguments()
    for cells in (HEAD, ["---"] * len(HEAD)):
        print("| " + " | ".join(cells) + " |", flush=True)
    for video in asked.videos:
        print("| " + " | ".join(row(asked, video)) + " |", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cost.search_share")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where clips are kept")
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    parser.add_argument("--seconds", type=float, help="only the first ones")
    parser.add_argument("--size", type=float, default=1.0, help="share of width and height that is left")
    return parser.parse_args()


def row(asked: argparse.Namespace, video: Path) -> list[str]:
    """The row of one clip."""
    source = video if asked.size == 1 else smaller(video, asked.folder, asked.size)
    clip = made(
        asked.folder / "cache",
        DecodeRequest(source, sha256_of(source), DecodeConf(), ClipConf(to_s=asked.seconds)),
    )
    request = PoseRequest(
        source, clip=clip, settings=SETTINGS, models=ModelsConf(), model_digests={}, device=Device.cpu
    )
    clock = Clock()
    began_s = time.process_time()
    with (
        TemporaryDirectory() as folder,
        timed_tracker(clock) as finder,
        patch.object(pose, "open_people_tracker", lambda *_, **__: nullcontext((finder, DeviceUse("cpu")))),
        patch.object(pose, "prefetched", nullcontext),
    ):
        facts = pose.estimate_pose(request, Path(folder), lambda _: None)
    stage_s = time.process_time() - began_s
    per_frame = 1000 / facts["frames"]
    name = source.stem if source is video else f"{video.stem} at {asked.size:g}"
    share = f"{100 * clock.spent_s / stage_s:.1f} %"
    return [
        name,
        str(facts["frames"]),
        f"{stage_s * per_frame:.1f}",
        f"{clock.spent_s * per_frame:.1f}",
        share,
        str(clock.looks),
    ]


@contextmanager
def timed_tracker(clock: Clock) -> Iterator[PeopleTracker]:
    """A tracker whose search is measured by ``clock``."""
    files = model_files(SETTINGS.model.value, None)
    with ExitStack() as stack:

        def opened() -> PoseEstimator:
            return stack.enter_context(open_pose_estimator(files, device="cpu", with_masks=True))[0]

        finder = PeopleTracker(clock.counting(opened, counts=False), SETTINGS.people, SETTINGS.smallest)
        for name in ("_places", "_end_search"):
            stack.enter_context(patch.object(finder, name, clock.counting(getattr(finder, name))))
        for name in ("look_at_frame", "look_at_square"):  # this module's calls are those of the search
            stack.enter_context(patch.object(people, name, clock.noting(getattr(people, name))))
        yield finder


def smaller(video: Path, folder: Path, size: float) -> Path:
    """The clip without its sound, made smaller by FFmpeg's filter."""
    path = folder / f"{video.stem}_{size:g}.mp4"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        pictures = source.streams.video[0]
        width, height = (round(size * length / 2) * 2 for length in (pictures.width, pictures.height))
        stream = target.add_stream("libx264", rate=pictures.average_rate, options={"crf": CRF})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in source.decode(pictures):
            target.mux(stream.encode(frame.reformat(width, height, interpolation="AREA")))
        target.mux(stream.encode())
    return path


if __name__ == "__main__":
    main()
