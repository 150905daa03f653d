"""The demo's sound: a footstep at every heel strike, so that picture and sound can be compared."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.codec.context import Flags
from numpy.typing import NDArray

from tasks.demo.gait import Gait, heel_strikes
from tasks.errors import OutputError

Single = NDArray[np.float32]

SOUND_RATE_HZ: Final = 48000
_BLOCK: Final = 1024  # samples of an AAC frame
_STEP_S: Final = 0.12


def footstep_sound(gait: Gait, seconds: float, seed: int) -> Iterator[Single]:
    """Mono sound of ``seconds``, -1..1, in blocks of 1024 samples (the last may be shorter): silence and footsteps.

    A footstep begins at the sample nearest to the heel strike.
    """
    sounds = {side: _step_sound((seed, number)) for number, side in enumerate(("left", "right"))}
    total = round(seconds * SOUND_RATE_HZ)
    for first in range(0, total, _BLOCK):
        block = np.zeros(min(_BLOCK, total - first), np.float32)
        for time_s, side in heel_strikes(
            gait, first / SOUND_RATE_HZ - _STEP_S, (first + len(block) + 1) / SOUND_RATE_HZ
        ):
            start, sound = round(time_s * SOUND_RATE_HZ) - first, sounds[side]
            low, high = max(start, 0), min(start + len(sound), len(block))
            if time_s >= 0 and low < high:
                block[low:high] += sound[low - start : high - start]
        yield block


def _step_sound(seed: tuple[int, int]) -> Single:
    """A dull thud, preceded by a short click of the heel."""
    count = round(_STEP_S * SOUND_RATE_HZ)
    time_s = np.arange(count) / SOUND_RATE_HZ
    random = np.random.default_rng(seed)
    click = random.standard_normal(count) * np.exp(-time_s / 0.004)
    thud = np.sin(2 * np.pi * 95 * time_s) * np.exp(-time_s / 0.025)
    sound = 0.10 * click + 0.16 * thud
    sound *= np.clip((_STEP_S - time_s) / 0.02, 0, 1)
    return np.asarray(sound, np.float32)


def write_aac(path: Path, blocks: Iterator[Single]) -> None:
    """Write mono blocks at 48 kHz as AAC in MP4. ``OutputError`` if ``path`` cannot be written."""
    try:
        with av.open(f"file:{path}", "w", format="mp4", container_options={"fflags": "+bitexact"}) as container:
            stream = container.add_stream("aac", rate=SOUND_RATE_HZ, layout="mono", bit_rate=96_000)
            stream.codec_context.flags |= Flags.bitexact
            written = 0
            for block in blocks:
                frame = AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = SOUND_RATE_HZ, written
                written += block.size
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as error:
        fact = error.strerror or str(error)
        raise OutputError(f"{path}: cannot be written ({fact}); free space there or choose another folder") from error
