"""Compare the presets of x264 at the program's quality: the reason for the default.

    python -m tests.benchmarks.presets VIDEO

Encodes the pictures of ``VIDEO`` with each preset; a ``stabilized.mp4`` is the best choice. It prints CPU
milliseconds per frame, megabits per second, and the PSNR of the luma over all pictures in dB.
"""

import io
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from conf.render import EncodeConf
from tasks.media.output.encoders import ENCODERS, configure_encoder
from tasks.records import NO_HDR

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")
LENGTH_FRAMES = 120  # from the middle of the clip


def main() -> None:
    video = Path(sys.argv[1])
    pictures = [frame.reformat(format="yuv420p") for frame in middle(video)]
    with av.open(str(video)) as container:
        rate = container.streams.video[0].average_rate or Fraction(30)
    print(f"{video.name}, {len(pictures)} frames, crf {EncodeConf().crf}\n\n| preset | CPU ms | Mbit/s | PSNR dB |")
    print("| --- | --- | --- | --- |")
    for preset in PRESETS:
        coded, spent_s = encoded(pictures, rate, preset)
        megabits = len(coded) * 8e-6 / (len(pictures) / float(rate))
        psnr_db = psnr_of(pictures, coded)
        print(f"| {preset} | {1000 * spent_s / len(pictures):.1f} | {megabits:.2f} | {psnr_db:.2f} |")


def middle(video: Path) -> list[VideoFrame]:
    with av.open(str(video)) as container:
        frames = container.streams.video[0].frames
        first = max(0, (frames - LENGTH_FRAMES) // 2)
        return [frame for index, frame in zip(count(), container.decode(video=0), strict=False) if index >= first][
            :LENGTH_FRAMES
        ]


def encoded(pictures: list[VideoFrame], rate: Fraction, preset: str) -> tuple[bytes, float]:
    """Encode; return the file and the CPU seconds of all threads of the encoder."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as sink:
        stream = sink.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = pictures[0].width, pictures[0].height, "yuv420p"
        configure_encoder(
            stream.codec_context, ENCODERS["x264"], EncodeConf().crf, preset, NO_HDR, EncodeConf().threads
        )
        began = time.process_time()
        for index, picture in enumerate(pictures):
            picture.pts, picture.time_base, picture.pict_type = index, 1 / rate, 0
            sink.mux(stream.encode(picture))
        sink.mux(stream.encode(None))
        spent_s = time.process_time() - began
    return file.getvalue(), spent_s


def psnr_of(pictures: list[VideoFrame], coded: bytes) -> float:
    """PSNR of the luma in dB, from the mean square error over all pictures."""
    with av.open(io.BytesIO(coded), "r") as container:
        pairs = zip(lumas(pictures), lumas(container.decode(video=0)), strict=True)
        errors = [float(np.square(before.astype(np.float32) - after).mean()) for before, after in pairs]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def lumas(frames: "list[VideoFrame] | Iterator[VideoFrame]") -> Iterator[NDArray[np.uint8]]:
    for frame in frames:
        plane = frame.planes[0]
        rows: NDArray[np.uint8] = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        yield rows[: frame.height, : frame.width]


if __name__ == "__main__":
    main()
