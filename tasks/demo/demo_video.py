"""The demo stage: draw the walker as a video with sound, and write the true positions of the joints."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from conf.demo import DemoConf
from conf.validation import require
from tasks.demo.footsteps import footstep_sound, write_aac
from tasks.demo.gait import ground_path
from tasks.demo.walker import (
    CAMERA_DISTANCE_BH,
    GroundTruth,
    Walk,
    draw_walk,
    ground_truth,
    passer_by_gait,
    subject_gait,
)
from tasks.maths.body.landmarks import LANDMARK_NAMES
from tasks.media.files.tables import write_table
from tasks.media.output.audio_clock import SoundSource
from tasks.media.output.output_file import PictureStream
from tasks.media.output.video_writer import VideoWriter
from tasks.media.output.written_check import check_written_video
from tasks.media.planes.layout import frame_planes, nearest_layout
from tasks.records import ColorTags, Tick
from tasks.requests import DemoRequest

HIP_CENTER: Final = "hip_center"
TIME_STEP_S: Final = 0.01  # step of the search for the longest walk.
# The smallest distance of the hips from the camera is the sum of two parts, so that no hand or foot reaches the camera.
BODY_ROOM_BH: Final = 0.5  # for a leaning trunk, in body heights
STEP_ROOM: Final = 0.6  # for feet and hands, in step lengths
_BT709_LIMITED: Final = ColorTags(range=1, primaries=1, transfer=1, matrix=1, chroma_location=1)


def draw_demo(request: DemoRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``demo.mp4`` (H.264, AAC) and ``truth.parquet`` (frame, time_s, landmark, x_px, y_px) into ``folder``.

    Landmarks of the truth have MediaPipe's names, plus ``hip_center``. Those that the figure does not have are NaN. The
    same request gives the same bytes. ``SettingError`` if the walk cannot be drawn.
    """
    walker = walk_from_settings(request.settings)
    sound = folder / "footsteps.mp4"
    write_aac(sound, footstep_sound(subject_gait(walker), walker.frames / float(walker.fps), walker.seed))
    write_rgb_video(folder / "demo.mp4", _pictures(walker, tick), size_px=walker.size_px, rate=walker.fps, sound=sound)
    sound.unlink()
    check_written_video(folder / "demo.mp4", walker.frames)
    _write_truth(ground_truth(walker), folder / "truth.parquet")
    return {"frames": walker.frames, "fps": str(walker.fps), "size_px": list(walker.size_px)}


def walk_from_settings(settings: DemoConf) -> Walk:
    """The walk that the settings describe. ``SettingError`` if somebody would walk into the camera."""
    fields = asdict(settings)
    size_px = (fields.pop("width"), fields.pop("height"))
    walker = Walk(size_px=size_px, **fields | {"fps": settings.rate})
    longest_s = _longest_walk_s(walker)
    fact = f"in {settings.seconds:g} s a walker reaches the camera"
    require(settings.seconds <= longest_s, "demo.seconds", fact, f"give up to {longest_s:g}, or a smaller demo.speed")
    return walker


def _longest_walk_s(walker: Walk) -> float:
    """Seconds that the walk can last before somebody reaches the camera. Infinite if nobody does."""
    middle_s, least_s = walker.seconds / 2, float("inf")
    time_s = np.append(np.arange(0, walker.seconds, TIME_STEP_S), walker.seconds)
    for way in (subject_gait(walker), *([passer_by_gait(walker)] if walker.crossing else [])):
        there = CAMERA_DISTANCE_BH - ground_path(way, time_s)[:, 2] < BODY_ROOM_BH + STEP_ROOM * way.step
        least_s = min(least_s, 2 * np.abs(time_s - middle_s)[there].min(initial=np.inf))
    return float(np.floor(10 * (least_s - 2 * TIME_STEP_S)) / 10)


def _pictures(walker: Walk, tick: Tick) -> Iterator[NDArray[np.uint8]]:
    for number, (rgb, _, _) in enumerate(draw_walk(walker)):
        yield rgb
        tick(number + 1)


def _write_truth(known: GroundTruth, path: Path) -> None:
    frames = len(known.time_s)
    names = (*LANDMARK_NAMES, HIP_CENTER)
    xy = np.concatenate([known.joints_xy_px, known.hip_center_xy_px[:, None]], axis=1)
    columns: dict[str, Sequence[object] | NDArray[Any]] = {
        "frame": np.repeat(np.arange(frames), len(names)),
        "time_s": np.repeat(known.time_s, len(names)),
        "landmark": list(names) * frames,
        "x_px": xy[..., 0].ravel(),
        "y_px": xy[..., 1].ravel(),
    }
    write_table(path, columns)


def write_rgb_video(
    path: Path, pictures: Iterable[NDArray[np.uint8]], *, size_px: tuple[int, int], rate: Fraction, sound: Path
) -> None:
    """Write pictures (h, w, 3) at a constant rate as H.264, yuv420p, BT.709 limited, with the tracks of ``sound``.

    These tags show the same colours in every player. ``OutputError`` if ``path`` cannot be written.
    """
    layout, reformatter = nearest_layout("yuv420p"), VideoReformatter()
    stream = PictureStream(size_px, layout, Fraction(1, rate.numerator), rate, _BT709_LIMITED, Fraction(1))
    with VideoWriter(path, stream, crf=16, preset="veryfast", sound=SoundSource(sound)) as sink:
        for number, rgb in enumerate(pictures):
            frame = reformatter.reformat(
                VideoFrame.from_ndarray(rgb, format="rgb24"),
                format=layout.name,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation="BICUBIC",
                threads=1,
            )
            sink.write(frame_planes(frame, layout), number * rate.denominator, rate.denominator)
