"""Masks survive the disk in a file that plain numpy can read."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import OutputError
from tasks.media.files.masks_file import CHUNK_FRAMES, Mask, MaskState, mask_writer, read_masks

FRAMES = 2 * CHUNK_FRAMES + 7


def made(frames: int = FRAMES) -> Iterator[Mask]:
    random = np.random.default_rng(5)
    for frame in range(frames):
        mask = random.integers(0, 256, (12, 20), np.uint8)
        yield Mask(mask, np.array([-0.5, frame, 99.5, frame + 40], np.float32), MaskState(frame % 3))


def write(path: Path, frames: int = FRAMES) -> Path:
    with mask_writer(path) as writer:
        for mask in made(frames):
            writer.write(mask)
    return path


@pytest.mark.parametrize("frames", [1, CHUNK_FRAMES, FRAMES])
def test_masks_are_read_as_they_were_written(tmp_path: Path, frames: int) -> None:
    path = write(tmp_path / "masks.npz", frames)
    for found, expected in zip(read_masks(path), made(frames), strict=True):
        assert np.array_equal(found.probability, expected.probability)
        assert np.array_equal(found.edges_px, expected.edges_px)
        assert found.state is expected.state


def test_plain_numpy_reads_every_member(tmp_path: Path) -> None:
    with np.load(write(tmp_path / "masks.npz")) as members:
        shapes = {name: members[name].shape for name in members.files}
        assert int(members["chunk_frames"]) == CHUNK_FRAMES
        assert members["masks_00001"].dtype == np.uint8
    chunks = {"masks_00000": (64, 12, 20), "masks_00001": (64, 12, 20), "masks_00002": (7, 12, 20)}
    assert shapes == {**chunks, "boxes": (FRAMES, 4), "states": (FRAMES,), "chunk_frames": ()}


def test_equal_masks_give_equal_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a").read_bytes() == write(tmp_path / "b").read_bytes()


def test_full_chunks_are_on_disk_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "masks.npz"
    with mask_writer(path) as writer:
        for frame, mask in enumerate(made()):
            writer.write(mask)
            if frame == CHUNK_FRAMES:
                assert path.stat().st_size > CHUNK_FRAMES * 12 * 20 / 2


def test_a_file_may_hold_no_masks(tmp_path: Path) -> None:
    assert list(read_masks(write(tmp_path / "masks.npz", 0))) == []


def test_a_missing_and_a_truncated_file_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    for name in ("cut", "missing"):
        with pytest.raises(OutputError, match=f"{name}: cannot be read"):
            list(read_masks(tmp_path / name))
