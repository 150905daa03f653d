"""An animated WebP keeps its pictures and their times, and its bytes are reproducible."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.output import animated_webp
from tasks.media.output.animated_webp import check_written_webp, write_webp


def pictures(count: int) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    for index in range(count):
        rgb = np.zeros((48, 64, 3), np.uint8)
        rgb[..., 0], rgb[..., 2] = 200, 10 * index
        yield 0.1 * index, rgb


def test_every_picture_keeps_its_color_and_time(tmp_path: Path) -> None:
    path = tmp_path / "preview.webp"
    assert write_webp(path, pictures(8)) == 800
    check_written_webp(path, 800)
    found, animation = cv2.imreadanimation(str(path))
    assert found
    assert len(animation.frames) == 8
    assert list(animation.durations) == pytest.approx([100] * 8, abs=1)
    for (_, rgb), shown in zip(pictures(8), animation.frames, strict=True):
        assert np.abs(shown[..., 2::-1].astype(int) - rgb).max() <= 6


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_webp(tmp_path / name, pictures(5))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_that_is_too_large_is_written_with_less_quality(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    noise = [(0.1 * index, random.integers(0, 255, (96, 128, 3)).astype(np.uint8)) for index in range(4)]
    write_webp(tmp_path / "best", noise)
    best = (tmp_path / "best").stat().st_size
    write_webp(tmp_path / "smaller", noise, most_bytes=best - 1)
    assert (tmp_path / "smaller").stat().st_size < best
    write_webp(tmp_path / "least", noise, most_bytes=1)
    assert 1 < (tmp_path / "least").stat().st_size < (tmp_path / "smaller").stat().st_size
    check_written_webp(tmp_path / "least", 400)


def test_a_short_or_cut_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    write_webp(path, pictures(3))
    check_written_webp(path, 300)
    with pytest.raises(OutputError, match="plays for 300 ms instead of 400 ms"):
        check_written_webp(path, 400)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(OutputError):
        check_written_webp(path, 300)


def test_pictures_that_look_the_same_keep_their_time(tmp_path: Path) -> None:
    """libwebp joins them: nobody is there yet, and the camera stands."""
    still = [next(pictures(1))[1]] * 6
    moving = [rgb for _, rgb in pictures(4)]
    path = tmp_path / "preview.webp"
    plays_ms = write_webp(path, [(0.1 * index, rgb) for index, rgb in enumerate(still + moving)])
    assert check_written_webp(path, plays_ms) == 4
    found, animation = cv2.imreadanimation(str(path))
    assert found
    assert list(animation.durations) == [700, 100, 100, 100]


def test_a_picture_that_never_changes_is_a_still(tmp_path: Path) -> None:
    path = tmp_path / "preview.webp"
    plays_ms = write_webp(path, [(0.1 * index, next(pictures(1))[1]) for index in range(5)])
    assert check_written_webp(path, plays_ms) == 1


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_webp(tmp_path / "no" / "a.webp", pictures(1))


@pytest.mark.parametrize("size_px", [8, 200])  # less and more than a file's buffer
def test_a_disk_that_gets_full_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_px: int) -> None:
    def full(dir: Path, buffering: int = -1) -> IO[bytes]:
        return cast(IO[bytes], Path("/dev/full").open("w+b", buffering))

    monkeypatch.setattr(animated_webp, "TemporaryFile", full)
    with pytest.raises(OutputError, match=r"a\.webp: cannot be written \(No space left on device\)"):
        write_webp(tmp_path / "a.webp", [(0.0, np.zeros((size_px, size_px, 3), np.uint8))])


def test_a_single_picture_is_a_valid_file(tmp_path: Path) -> None:
    path = tmp_path / "preview.webp"
    assert check_written_webp(path, write_webp(path, pictures(1))) == 1


def test_pictures_that_wait_take_no_memory(tmp_path: Path) -> None:
    """200 pictures of 320x320 would take 82 MB."""
    held_bytes = []

    def many() -> Iterator[tuple[float, NDArray[np.uint8]]]:
        for number in range(200):
            held_bytes.append(resident_bytes())
            yield 0.1 * number, np.full((320, 320, 3), number, np.uint8)

    assert write_webp(tmp_path / "a.webp", many()) == 20_000
    assert held_bytes[-1] - held_bytes[0] < 30e6
    assert [path.name for path in tmp_path.iterdir()] == ["a.webp"]


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
