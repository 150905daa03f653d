"""The frame cache gives the same frames as decoding, decodes a clip once, and keeps to its limit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.input import frame_cache
from tasks.media.input.frame_cache import cached_frames, chosen_frames, decoded_bytes, forget_frames
from tasks.media.input.frames import Frame, read_frames
from tasks.media.input.probe import scan_video
from tasks.records import Clip
from tests.support.clips import Made, make

BIG = Made(size_px=(640, 480), ticks=range(0, 3 * 512, 512))  # 3 * 460800 bytes


class Decodings:
    """Counts how often each file was decoded."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __call__(self, source: Path, clip: Clip, *, confirm: NDArray[np.int64] | None = None) -> Iterator[Frame]:
        self.done.append(clip.digest)
        return read_frames(source, clip, confirm=confirm)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decodings]:
    counted = Decodings()
    monkeypatch.setattr(frame_cache, "read_frames", counted)
    yield counted
    for digest in set(counted.done):
        forget_frames(digest)


def clip_of(folder: Path, digest: str, made: Made = BIG) -> tuple[Path, Clip]:
    path = make(folder / f"{digest}.mp4", made)
    return path, scan_video(path, digest, lambda done: None)[0]


def assert_same(before: list[Frame], after: list[Frame]) -> None:
    for old, new in zip(before, after, strict=True):
        assert (old.index, old.pts, old.duration, old.layout) == (new.index, new.pts, new.duration, new.layout)
        for left, right in zip(old.planes, new.planes, strict=True):
            np.testing.assert_array_equal(left, right)


def test_the_second_pass_decodes_nothing_and_gives_the_same_frames(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    streamed = [replace(one, planes=tuple(plane.copy() for plane in one.planes)) for one in read_frames(path, clip)]
    assert_same(streamed, list(cached_frames(path, clip, cache_mb=2)))
    assert_same(streamed, list(cached_frames(path, clip, cache_mb=2)))
    pts = np.array([frame.pts for frame in streamed])
    assert_same(streamed[1:], list(chosen_frames(path, clip, pts, [1, 2], cache_mb=2)))
    assert decodings.done == ["one"]


def test_without_a_limit_every_pass_decodes(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    for _ in range(2):
        assert len(list(cached_frames(path, clip, cache_mb=None))) == 3
    assert decodings.done == ["one", "one"]


def test_a_clip_above_the_limit_is_decoded_in_every_pass(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    assert decoded_bytes(clip) == 3 * 640 * 480 * 3 // 2
    for _ in range(2):
        list(cached_frames(path, clip, cache_mb=1))
    assert decodings.done == ["one", "one"]


def test_a_pass_that_stops_early_caches_nothing(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    half = cached_frames(path, clip, cache_mb=2)
    next(half)
    half.close()  # type: ignore[attr-defined]
    list(cached_frames(path, clip, cache_mb=2))
    list(cached_frames(path, clip, cache_mb=2))
    assert decodings.done == ["one", "one"]


def test_forgotten_frames_are_decoded_again(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    list(cached_frames(path, clip, cache_mb=2))
    forget_frames("one")
    forget_frames("never heard of")
    list(cached_frames(path, clip, cache_mb=2))
    assert decodings.done == ["one", "one"]


def test_the_least_recently_used_clip_makes_room(tmp_path: Path, decodings: Decodings) -> None:
    clips = [clip_of(tmp_path, digest) for digest in ("one", "two", "three")]
    for path, clip in clips[:2]:
        list(cached_frames(path, clip, cache_mb=3))
    list(cached_frames(*clips[0], cache_mb=3))
    list(cached_frames(*clips[2], cache_mb=3))
    for path, clip in (clips[0], clips[2]):
        list(cached_frames(path, clip, cache_mb=3))
    assert decodings.done == ["one", "two", "three"]
    list(cached_frames(*clips[1], cache_mb=3))
    assert decodings.done == ["one", "two", "three", "two"]


def test_cached_frames_are_read_only(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    list(cached_frames(path, clip, cache_mb=2))
    for frame in cached_frames(path, clip, cache_mb=2):
        with pytest.raises(ValueError, match="read-only"):
            frame.planes[0][0, 0] = 1
    assert decodings.done == ["one"]


def test_threads_that_iterate_over_one_clip_get_the_same_frames(tmp_path: Path, decodings: Decodings) -> None:
    path, clip = clip_of(tmp_path, "one")
    expected = [int(one.luma.sum()) for one in read_frames(path, clip)]
    seen: list[list[int]] = []

    def work() -> None:
        seen.extend([int(one.luma.sum()) for one in cached_frames(path, clip, cache_mb=2)] for _ in range(3))

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 12
    passes = len(decodings.done)
    list(cached_frames(path, clip, cache_mb=2))
    assert len(decodings.done) == passes
