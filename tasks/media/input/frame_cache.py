"""Decoded pictures held in memory between the stages of a clip, as far as a limit allows."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from tasks.media.input.frames import Picture, frames
from tasks.media.planes.layout import clip_layout
from tasks.records import Clip

_BYTES_PER_MB = 1_000_000


def frames_of(source: Path, clip: Clip, *, held_mb: int | None) -> Iterator[Picture]:
    """The pictures of ``frames``, decoded once a process where they fit into ``held_mb``; None: always decoded.

    The first pass that runs to its end keeps copies of its pictures, and later passes over the same content take
    these. To make room, clips used longest ago are forgotten; a clip that does not fit is decoded in every pass.
    Threads may pass over one clip at the same time. ``VideoError`` as in ``frames``.
    """
    size = held_bytes(clip)
    kept = None if held_mb is None else _store.find(clip.digest)
    if kept is not None:
        yield from kept
    elif held_mb is None or not _store.reserve(clip.digest, size, held_mb * _BYTES_PER_MB):
        yield from frames(source, clip)
    else:
        yield from _kept(source, clip)


def held_bytes(clip: Clip) -> int:
    """Memory that all pictures of the clip take, in bytes."""
    layout = clip_layout(clip)
    samples = 0
    for plane in range(layout.planes):
        width, height = layout.plane_wh(plane, clip.size_px)
        samples += width * height
    return clip.frames * samples * layout.dtype().itemsize


def forget(digest: str) -> None:
    """Free the pictures of the clip with this digest, if any are held."""
    _store.forget(digest)


def _kept(source: Path, clip: Clip) -> Iterator[Picture]:
    pictures: list[Picture] = []
    try:
        for picture in frames(source, clip):
            # A copy: the planes lie in the decoder's memory, with its line padding.
            held = replace(picture, planes=tuple(plane.copy() for plane in picture.planes))
            for plane in held.planes:
                plane.flags.writeable = False
            pictures.append(held)
            yield held
    finally:
        _store.settle(clip.digest, tuple(pictures) if len(pictures) == clip.frames else None)


@dataclass
class _Store:
    """Pictures by content digest, least recently used first, and the bytes each clip has or is about to take."""

    pictures: dict[str, tuple[Picture, ...]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def find(self, digest: str) -> tuple[Picture, ...] | None:
        with self.lock:
            found = self.pictures.pop(digest, None)
            if found is not None:
                self.pictures[digest] = found
            return found

    def reserve(self, digest: str, size: int, limit: int) -> bool:
        with self.lock:
            filling = sum(self.sizes[key] for key in self.sizes if key not in self.pictures)
            if digest in self.sizes or filling + size > limit:
                return False
            for oldest in list(self.pictures):
                if sum(self.sizes.values()) + size <= limit:
                    break
                del self.pictures[oldest], self.sizes[oldest]
            self.sizes[digest] = size
            return True

    def settle(self, digest: str, pictures: tuple[Picture, ...] | None) -> None:
        with self.lock:
            if pictures is None:
                self.sizes.pop(digest, None)
            elif digest in self.sizes:
                self.pictures[digest] = pictures

    def forget(self, digest: str) -> None:
        with self.lock:
            self.pictures.pop(digest, None)
            self.sizes.pop(digest, None)


_store = _Store()
