"""Held pictures are the streamed ones, decoded once, and never more than the limit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

import tasks.media.input.frame_cache as held_module
from tasks.media.input.frame_cache import forget, frames_of, held_bytes
from tasks.media.input.frames import Picture, frames
from tasks.media.input.probe import scan
from tasks.records import Clip
from tests.support.clips import Made, make

BIG = Made(size_px=(640, 480), ticks=range(0, 3 * 512, 512))  # 3 * 460800 bytes


class Decodings:
    """Counts how often each file was decoded."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __call__(self, source: Path, clip: Clip) -> Iterator[Picture]:
        self.done.append(clip.digest)
        return frames(source, clip)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decodings]:
    counted = Decodings()
    monkeypatch.setattr(held_module, "frames", counted)
    yield counted
    for digest in set(counted.done):
        forget(digest)


def clip_of(folder: Path, digest: str, made: Made = BIG) -> tuple[Path, Clip]:
    path = make(folder / f"{digest}.mp4", made)
    return path, scan(path, digest, lambda done: None)[0]


def assert_same(before: list[Picture], after: list[Picture]) -> None:
    for old, new in zip(before, after, strict=True):
        assert (old.index, old.pts, old.duration, old.layout) == (new.index, new.pts, new.duration, new.layout)
        for left, right in zip(old.planes, new.planes, strict=True):
            np.testing.assert_array_equal(left, right)


def test_the_second_pass_decodes_nothing_and_gives_the_same(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    streamed = [replace(one, planes=tuple(plane.copy() for plane in one.planes)) for one in frames(path, clip)]
    assert_same(streamed, list(frames_of(path, clip, held_mb=2)))
    assert_same(streamed, list(frames_of(path, clip, held_mb=2)))
    assert decodings.done == ["one"]


def test_without_a_limit_every_pass_decodes(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    for _ in range(2):
        assert len(list(frames_of(path, clip, held_mb=None))) == 3
    assert decodings.done == ["one", "one"]


def test_a_clip_beyond_the_limit_is_streamed(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    assert held_bytes(clip) == 3 * 640 * 480 * 3 // 2
    for _ in range(2):
        list(frames_of(path, clip, held_mb=1))
    assert decodings.done == ["one", "one"]


def test_a_pass_that_stops_early_holds_nothing(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    half = frames_of(path, clip, held_mb=2)
    next(half)
    half.close()  # type: ignore[attr-defined]
    list(frames_of(path, clip, held_mb=2))
    list(frames_of(path, clip, held_mb=2))
    assert decodings.done == ["one", "one"]


def test_forgetting_frees_a_clip(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    list(frames_of(path, clip, held_mb=2))
    forget("one")
    forget("never heard of")
    list(frames_of(path, clip, held_mb=2))
    assert decodings.done == ["one", "one"]


def test_the_clip_used_longest_ago_makes_room(tmp_path: Path, decodings: Decodings) -> None:
    clips = [clip_of(tmp_path, digest) for digest in ("one", "two", "three")]
    for path, clip in clips[:2]:
        list(frames_of(path, clip, held_mb=3))
    list(frames_of(*clips[0], held_mb=3))
    list(frames_of(*clips[2], held_mb=3))
    for path, clip in (clips[0], clips[2]):
        list(frames_of(path, clip, held_mb=3))
    assert decodings.done == ["one", "two", "three"]
    list(frames_of(*clips[1], held_mb=3))
    assert decodings.done == ["one", "two", "three", "two"]


def test_held_pictures_may_not_be_written_to(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    list(frames_of(path, clip, held_mb=2))
    for picture in frames_of(path, clip, held_mb=2):
        with pytest.raises(ValueError, match="read-only"):
            picture.planes[0][0, 0] = 1
    assert decodings.done == ["one"]


def test_threads_over_one_clip_all_see_the_same(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    expected = [int(one.luma.sum()) for one in frames(path, clip)]
    seen: list[list[int]] = []

    def work() -> None:
        seen.extend([int(one.luma.sum()) for one in frames_of(path, clip, held_mb=2)] for _ in range(3))

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 12
    passes = len(decodings.done)
    list(frames_of(path, clip, held_mb=2))
    assert len(decodings.done) == passes
