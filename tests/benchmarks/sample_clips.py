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
from tasks.demo.walker import Walk, draw_walk, ground_truth, subject_gait
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
# Walkers who come in, and some who leave; and how far the hips of the first frame are inside the left edge of what is
# cut out of the picture, in torso lengths. None: nothing is cut out.
AT_EDGE: Final = {
    "across": (Walk(size_px=(960, 540), seconds=4, speed=0.3, follow=0.0, shake_px=2.0), None),
    "across, to the left": (Walk(size_px=(960, 540), seconds=4, speed=-0.3, follow=0.0, shake_px=0.0, seed=2), None),
    "across, slower": (Walk(size_px=(640, 360), seconds=5, speed=0.22, follow=0.0, shake_px=0.0, seed=3), None),
    "across, large": (Walk(size_px=(640, 480), seconds=4, speed=0.35, follow=0, shake_px=1, seed=4, person=0.8), None),
    "across, small": (Walk(size_px=(960, 540), seconds=4, speed=0.28, follow=0, shake_px=1, seed=5, person=0.35), None),
    "in": (Walk(size_px=(960, 540), seconds=3, speed=0.05, follow=0.0, shake_px=1.0, seed=1), -0.3),
    "in, large": (Walk(size_px=(960, 540), seconds=3, speed=0.08, follow=0, shake_px=1, seed=2, person=0.8), -0.4),
    "in, turning": (Walk(size_px=(960, 540), seconds=3, speed=0.05, follow=0, shake_px=1, seed=3, turn_deg_s=10), -0.2),
    "in, less far": (Walk(size_px=(960, 540), seconds=3, speed=0.06, follow=0.0, shake_px=1.0, seed=4), -0.1),
    "in, at 40 degrees": (
        Walk(size_px=(960, 540), seconds=3, speed=0.05, follow=0, shake_px=1, seed=6, heading_deg=40),
        -0.2,
    ),
}
CUT_OUT_WIDTH_PX: Final = 480
TORSO_OF_HEIGHT: Final = 0.305  # of the drawn walkers
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


def walker_at_edge(folder: Path, name: str) -> tuple[Path, NDArray[np.float64], int, float]:
    """A walker of ``AT_EDGE``: the file, the true hips (n, 2) in it, its width, and the length of the torso; px."""
    (walk, beside), torso_px = AT_EDGE[name], TORSO_OF_HEIGHT * AT_EDGE[name][0].height_px
    hips_xy = ground_truth(walk).hip_center_xy_px
    left_px = 0 if beside is None else round(float(hips_xy[0, 0] - beside * torso_px))
    width_px = walk.size_px[0] if beside is None else CUT_OUT_WIDTH_PX
    path = folder / f"{name.replace(', ', '_').replace(' ', '_')}.mp4"
    _drawn(path, walk, np.full(walk.frames, left_px), (width_px, walk.size_px[1]))
    return path, hips_xy - np.array([left_px, 0]), width_px, torso_px


def _drawn(path: Path, walk: Walk, corners_px: NDArray[np.int_], size_px: tuple[int, int] = SIZE_PX) -> Path:
    """Draw ``walk`` into ``path``, cut to ``size_px`` at ``corners_px`` (n,) from the left; kept if it is there."""
    if path.is_file():
        return path

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for (rgb, _, _), x in zip(draw_walk(walk), corners_px, strict=True):
            yield np.ascontiguousarray(rgb[:, x : x + size_px[0]])

    path.parent.mkdir(parents=True, exist_ok=True)
    sound = path.with_suffix(".m4a")
    write_aac(sound, footstep_sound(subject_gait(walk), walk.seconds, walk.seed))
    write_rgb_video(path, pictures(), size_px=size_px, rate=RATE_HZ, sound=sound)
    sound.unlink()
    return path
