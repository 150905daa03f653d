"""The clips that the benchmarks of the picture run on: the sample videos that show a person, and drawn walkers."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from conf.demo import DemoConf
from tasks.demo.demo_video import write_rgb_video
from tasks.demo.footsteps import footstep_sound, write_aac
from tasks.demo.walker import Walk, draw_walk, subject_gait
from tests.benchmarks.measuring import ROOT

SAMPLES: Final = ROOT.parent / "shared" / "videos"
WITH_A_PERSON: Final = (
    "gym_jog_moving_camera.mp4",
    "lab_walk_side.mp4",
    "moonwalk.mp4",
    "signing_woman_full_range.mkv",
    "treadmill_run_portrait.mp4",
    "two_people_vp9_audio.mp4",
)
SIZE_PX: Final = (DemoConf.width, DemoConf.height)
SECONDS: Final = 4.0
RATE_HZ: Final = Fraction(30)


def samples() -> list[Path]:
    """The sample videos with a person that are there."""
    return [path for name in WITH_A_PERSON if (path := SAMPLES / name).is_file()]


def panning_walker(folder: Path) -> Path:
    """``panning_walker.mp4``: somebody walks through a wide street, and the camera pans without parallax."""
    wide = Walk(size_px=(SIZE_PX[0] * 5 // 3, SIZE_PX[1]), seconds=SECONDS, speed=0.14, follow=0.0, shake_px=2.0)
    room_px = wide.size_px[0] - SIZE_PX[0]
    corners_px = np.rint(room_px * (0.1 + 0.8 * np.arange(wide.frames) / (wide.frames - 1))).astype(int)
    return _drawn(folder / "panning_walker.mp4", wide, corners_px)


def crossing_walker(folder: Path) -> Path:
    """``crossing_walker.mp4``: somebody walks across the whole picture, before a camera that is held by hand."""
    walk = Walk(size_px=SIZE_PX, seconds=SECONDS, speed=0.28, follow=0.0, shake_px=2.0)
    return _drawn(folder / "crossing_walker.mp4", walk, np.zeros(walk.frames, int))


def _drawn(path: Path, walk: Walk, corners_px: NDArray[np.int_]) -> Path:
    """Draw ``walk`` into ``path``, cut to ``SIZE_PX`` at ``corners_px`` (n,) from the left; kept if it is there."""
    if path.is_file():
        return path

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for (rgb, _, _), x in zip(draw_walk(walk), corners_px, strict=True):
            yield np.ascontiguousarray(rgb[:, x : x + SIZE_PX[0]])

    path.parent.mkdir(parents=True, exist_ok=True)
    sound = path.with_suffix(".m4a")
    write_aac(sound, footstep_sound(subject_gait(walk), walk.seconds, walk.seed))
    write_rgb_video(path, pictures(), size_px=SIZE_PX, rate=RATE_HZ, sound=sound)
    sound.unlink()
    return path
