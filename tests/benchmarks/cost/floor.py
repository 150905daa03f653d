"""Measure the floor of a run: plain decoding, plain model calls, plain encoding, and nothing else.

    python -m tests.benchmarks.cost.floor VIDEO DELIVERABLES CRF PRESET

It prints wall and CPU seconds of each as JSON. The models get the same frames and boxes as in the program. The encoder
gets the pictures of the videos in the folder ``DELIVERABLES``: first one video after the other, then all at once. Both
are measured because encoders that share a processor's cache take more CPU seconds each, and a program that has several
cores uses them. The time to prepare the pictures is not counted.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import mediapipe as mp
import numpy as np
from av.video.frame import VideoFrame
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from tasks.media.files.masks_file import read_masks
from tasks.media.output.encoders import ENCODERS, configure_encoder
from tasks.media.output.render_frame import LARGE_PX, STABILIZED
from tasks.media.planes.crop import crop_and_resize
from tasks.models.model_file import pose_bundle
from tasks.models.runtime import quiet_native_stderr
from tasks.models.selfie import SELFIE_INPUT_SIZE_PX
from tasks.models.sources import model_files
from tasks.records import NO_HDR

CHUNK_FRAMES = 20  # prepared at a time
THREADS = 2
Spent = dict[str, float]


def main() -> None:
    video, folder, crf, preset = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    spent = {"decode": decode(video)}
    with quiet_native_stderr():
        spent["pose"] = pose(video)
        spent["masks"] = selfie(video, folder / "masks.npz")
    videos = sorted(folder.glob("*.mp4"))
    for path in videos:
        spent[path.name] = encode(path, crf, preset)
    spent["side by side"] = encode_side_by_side(videos, crf, preset)
    print(json.dumps(spent))


def decode(path: Path) -> Spent:
    """Decode a whole file and use nothing of it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = THREADS
        return timed(container.decode(stream), lambda _: None, while_made=True)


def pose(path: Path) -> Spent:
    """Run one pose landmarker on all frames. It also makes the person's mask, as in the program."""
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=pose_bundle(model_files("full", None))),
        running_mode=vision.RunningMode.VIDEO,
        output_segmentation_masks=True,
    )
    with vision.PoseLandmarker.create_from_options(options) as landmarker:
        ready = ((round(frame.time * 1000), image(rgb(frame))) for frame in frames(path))
        return timed(ready, lambda item: landmarker.detect_for_video(item[1], item[0]))


def selfie(path: Path, masks: Path) -> Spent:
    """Run one segmenter on the boxes that the program cut out of the frames."""
    model = model_files("general", None)[0].read_bytes()
    boxes = (mask.edges_px.astype(np.float64) for mask in read_masks(masks))
    options = vision.ImageSegmenterOptions(
        base_options=BaseOptions(model_asset_buffer=model), output_confidence_masks=True
    )
    with vision.ImageSegmenter.create_from_options(options) as segmenter:
        pairs = zip(frames(path), boxes, strict=True)
        return timed(
            (image(crop_and_resize(rgb(frame), box, SELFIE_INPUT_SIZE_PX["general"])) for frame, box in pairs),
            segmenter.segment,
        )


def encode(path: Path, crf: str, preset: str, *, clock: Callable[[], float] = time.process_time) -> Spent:
    """Encode the pictures of ``path`` with x264 and the program's settings, and throw the result away."""
    with av.open(str(path)) as container, av.open("/dev/null", "w", format="mp4") as sink:
        like = container.streams.video[0]
        stream = sink.add_stream("libx264", rate=like.average_rate)
        stream.width, stream.height, stream.pix_fmt = like.width, like.height, like.pix_fmt or "yuv420p"
        configure_encoder(
            stream.codec_context,
            ENCODERS["x264"],
            int(crf),
            preset,
            NO_HDR,
            1,  # more threads take as much CPU time
            short_look_ahead=path.stem != STABILIZED and like.width * like.height >= LARGE_PX,
        )
        stream.codec_context.time_base = like.time_base or Fraction(1, 90_000)
        spent = timed(frames(path), lambda frame: sink.mux(stream.encode(frame)), clock=clock)
        rest = timed([None], lambda _: sink.mux(stream.encode(None)), clock=clock)
        return {**spent, "wall_s": spent["wall_s"] + rest["wall_s"], "cpu_s": spent["cpu_s"] + rest["cpu_s"]}


def encode_side_by_side(paths: list[Path], crf: str, preset: str) -> Spent:
    """Encode all of ``paths`` at once, each in its own thread. An encoder works in the thread that calls it."""
    with ThreadPoolExecutor(len(paths)) as pool:
        parts = list(pool.map(lambda path: encode(path, crf, preset, clock=time.thread_time), paths))
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def frames(path: Path) -> Iterator[VideoFrame]:
    """Decode on one thread, so that no other thread works while something else is timed."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            frame.pict_type = 0
            yield frame


def rgb(frame: VideoFrame) -> NDArray[np.uint8]:
    return np.ascontiguousarray(frame.to_ndarray(format="rgb24"))


def image(pixels: NDArray[np.uint8]) -> Any:
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(pixels))


def timed(
    items: Iterable[Any],
    use: Callable[[Any], object],
    *,
    while_made: bool = False,
    clock: Callable[[], float] = time.process_time,
) -> Spent:
    """Wall and CPU seconds of ``use`` on every item. ``clock`` gives the CPU time.

    With ``while_made`` the time to make the items counts too.
    """
    wall = cpu = 0.0
    count = 0
    source = iter(items)
    while True:
        ready: Any = source if while_made else list(islice(source, CHUNK_FRAMES))
        wall, cpu = wall - time.perf_counter(), cpu - clock()
        done = 0
        for item in ready:
            use(item)
            done += 1
        wall, cpu = wall + time.perf_counter(), cpu + clock()
        count += done
        if while_made or not done:
            return {"frames": count, "wall_s": wall, "cpu_s": cpu}


if __name__ == "__main__":
    main()
