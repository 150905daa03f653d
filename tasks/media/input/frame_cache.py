"""The frame cache: decoded frames that stay in memory between the stages of a clip, up to a limit."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tasks.errors import TableNotConfirmed
from tasks.media.input.frames import Frame, read_chosen_frames, read_frames
from tasks.media.planes.layout import clip_layout
from tasks.records import Clip

_BYTES_PER_MB = 1_000_000


def cached_frames(
    source: Path, clip: Clip, *, cache_mb: int | None, confirm: NDArray[np.int64] | None = None
) -> Iterator[Frame]:
    """The same frames as ``read_frames``. They are decoded once per process if they fit into ``cache_mb``.

    The first pass that runs to its end stores copies of its frames, and later passes over the same content use these.
    To make room, the least recently used clips are removed. A clip that does not fit is decoded in every pass, as is
    every clip if ``cache_mb`` is None. Several threads may iterate over one clip. ``VideoError`` as in ``read_frames``.
    """
    cached = None if cache_mb is None else _cache.find(_name(clip))
    if cached is not None:
        yield from cached
    elif cache_mb is None or not _cache.reserve(_name(clip), decoded_bytes(clip), cache_mb * _BYTES_PER_MB):
        yield from read_frames(source, clip, confirm=confirm)
    else:
        yield from _storing_frames(source, clip, confirm)


def chosen_frames(
    source: Path, clip: Clip, pts: NDArray[np.int64], chosen: Sequence[int], *, cache_mb: int | None
) -> Generator[Frame, None, None]:
    """The same frames as ``read_chosen_frames``; from memory as in ``cached_frames``, unless ``cache_mb`` is None."""
    if cache_mb is None:
        yield from read_chosen_frames(source, clip, pts, chosen)
        return
    wanted = set(chosen)
    yield from (frame for frame in cached_frames(source, clip, cache_mb=cache_mb) if frame.index in wanted)


def decoded_bytes(clip: Clip) -> int:
    """Memory in bytes that all decoded frames of the clip need."""
    layout = clip_layout(clip)
    samples = 0
    for plane in range(layout.planes):
        width, height = layout.plane_wh(plane, clip.size_px)
        samples += width * height
    return clip.frames * samples * layout.dtype().itemsize


def forget_frames(digest: str) -> None:
    """Free the cached frames of all clips with this digest, if there are any."""
    for name in list(_cache.sizes_bytes):
        if name.partition(" ")[0] == digest:
            _cache.remove(name)


def _name(clip: Clip) -> str:
    """The file and the part of it that is used."""
    return f"{clip.digest} {clip.skipped}+{clip.frames}"


def _storing_frames(source: Path, clip: Clip, confirm: NDArray[np.int64] | None) -> Iterator[Frame]:
    frames: list[Frame] = []
    try:
        for decoded in read_frames(source, clip, confirm=confirm):
            # Copied, because the planes lie in the decoder's memory, with its line padding.
            frame = replace(decoded, planes=tuple(plane.copy() for plane in decoded.planes))
            for plane in frame.planes:
                plane.flags.writeable = False
            frames.append(frame)
            yield frame
    except TableNotConfirmed:
        frames.clear()  # what is kept here counts as confirmed
        raise
    finally:
        _cache.settle(_name(clip), tuple(frames) if len(frames) == clip.frames else None)


@dataclass
class _FrameCache:
    """Frames by content digest, least recently used first, and the bytes that each clip has or has reserved."""

    frames: dict[str, tuple[Frame, ...]] = field(default_factory=dict)
    sizes_bytes: dict[str, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def find(self, digest: str) -> tuple[Frame, ...] | None:
        with self.lock:
            found = self.frames.pop(digest, None)
            if found is not None:
                self.frames[digest] = found
            return found

    def reserve(self, digest: str, size_bytes: int, limit_bytes: int) -> bool:
        with self.lock:
            unfinished = sum(self.sizes_bytes[key] for key in self.sizes_bytes if key not in self.frames)
            if digest in self.sizes_bytes or unfinished + size_bytes > limit_bytes:
                return False
            for oldest in list(self.frames):
                if sum(self.sizes_bytes.values()) + size_bytes <= limit_bytes:
                    break
                del self.frames[oldest], self.sizes_bytes[oldest]
            self.sizes_bytes[digest] = size_bytes
            return True

    def settle(self, digest: str, frames: tuple[Frame, ...] | None) -> None:
        """End a reservation: store ``frames``, or free it if the pass has stopped early (None)."""
        with self.lock:
            if frames is None:
                self.sizes_bytes.pop(digest, None)
            elif digest in self.sizes_bytes:
                self.frames[digest] = frames

    def remove(self, digest: str) -> None:
        with self.lock:
            self.frames.pop(digest, None)
            self.sizes_bytes.pop(digest, None)


_cache = _FrameCache()
