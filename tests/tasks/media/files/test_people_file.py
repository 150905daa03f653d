"""The tracks of all people survive the disk."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tasks.errors import OutputError
from tasks.maths.body.landmarks import CLOTHES_REGIONS, COLOR_BINS
from tasks.maths.tracking.steps import Step
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.files.people_file import (
    PeopleWriter,
    people_writer,
    read_bodies,
    read_looked,
    read_other_bodies,
    read_steps,
    read_tracks,
)
from tests.support.drawn.bodies import clothes, figure

FRAMES = 700  # of 33 rows each: more than one chunk


def body(frame: int, track: int) -> Mask:
    return Mask(np.full((4, 3), (frame + 100 * track) % 256, np.uint8), np.zeros(4, np.float32), MaskState.measured)


def fill(writer: PeopleWriter, frames: int = FRAMES) -> None:
    """Track 1 in every frame, track 3 in every other one from frame 10 on; clothes in every third."""
    for frame in range(frames):
        writer.frame(frame, frame / 25, frame % 2 == 0, frame // 3)
        for track in (1, 3) if frame >= 10 and frame % 2 == 0 else (1,):
            writer.sighting(frame, frame / 25, track, figure((frame + 0.25, 50.5 * track)), body(frame, track))
            writer.step(frame, track, Step(dx_px=0.5 * track, features=frame))
            if frame % 3 == 0:
                writer.clothes(frame, track, clothes(track).astype(np.float32))


def test_steps_and_clothes_wait_in_less_than_half_a_kilobyte_a_frame(tmp_path: Path) -> None:
    worn = clothes(1).astype(np.float32)
    with people_writer(tmp_path) as writer:
        tracemalloc.start()
        for frame in range(600):
            writer.step(frame, 1, Step(dx_px=0.5 * frame, dy_px=0.25 * frame, features=frame))
            if frame % 3 == 0:
                writer.clothes(frame, 1, worn * np.float32(frame))
        waiting = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert waiting < 600 * 500


def test_tracks_clothes_steps_and_looked_frames_survive_the_disk(tmp_path: Path) -> None:
    with people_writer(tmp_path) as writer:
        fill(writer)
    one, three = read_tracks(tmp_path / "people.parquet", tmp_path / "clothes.parquet")
    assert_array_equal(one.frames, np.arange(FRAMES))
    assert_array_equal(three.frames, np.arange(10, FRAMES, 2))
    assert_array_equal(three.time_s, three.frames / 25)
    assert_allclose(three.landmarks[5], figure((20.25, 151.5)), rtol=1e-6)
    assert set(one.origin) == {1} and set(three.origin) == {3}
    worn = np.isfinite(three.clothes).all(axis=(1, 2, 3))
    assert_array_equal(three.frames[worn], np.arange(12, FRAMES, 6))
    assert_array_equal(three.clothes[worn][0], clothes(3))
    assert three.clothes.shape[1:] == (CLOTHES_REGIONS, 3, COLOR_BINS)
    at, steps = read_steps(tmp_path / "steps.parquet", [3])[3]
    assert_array_equal(at, three.frames)
    assert_array_equal(steps["features"], at)
    assert_array_equal(steps["dx_px"], 1.5)
    files = tmp_path / "people.parquet", tmp_path / "bodies.npz"
    followed = np.array([1, 1, 3, 0, 1, 3, 3] + [1] * 20 + [3] * (FRAMES - 27))
    for frame, mask in enumerate(read_bodies(*files, followed)):
        there = followed[frame] == 1 or (followed[frame] == 3 and frame >= 10 and frame % 2 == 0)
        assert (mask is not None) == there, frame
        if mask is not None:
            assert_array_equal(mask.probability, body(frame, int(followed[frame])).probability)
    for frame, others in enumerate(read_other_bodies(*files, followed)):
        there = [track for track in ((1, 3) if frame >= 10 and frame % 2 == 0 else (1,)) if track != followed[frame]]
        assert [int(mask.probability[0, 0]) for mask in others] == [(frame + 100 * track) % 256 for track in there]
    time_s, looked, shot = read_looked(tmp_path / "looked.parquet")
    assert_array_equal(time_s, np.arange(FRAMES) / 25)
    assert_array_equal(looked, np.arange(FRAMES) % 2 == 0)
    assert_array_equal(shot, np.arange(FRAMES) // 3)


def test_without_people_there_are_no_tracks(tmp_path: Path) -> None:
    with people_writer(tmp_path) as writer:
        writer.frame(0, 0.0, True, 0)
    assert read_tracks(tmp_path / "people.parquet", tmp_path / "clothes.parquet") == []


def test_the_same_people_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with people_writer(tmp_path / name) as writer:
            fill(writer, 20)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_unwritable_and_unreadable_files_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"), people_writer(tmp_path / "missing"):
        pass
    (tmp_path / "people.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(OutputError, match=r"people\.parquet: cannot be read"):
        read_tracks(tmp_path / "people.parquet", tmp_path / "clothes.parquet")
