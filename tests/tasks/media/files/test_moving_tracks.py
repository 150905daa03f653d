"""Tracks with the motion of their torsos, and with what their masks show where the pose slips over the torso."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.maths.path import affine
from tasks.maths.scene.camera_path import CameraPath
from tasks.maths.tracking.steps import Step
from tasks.media.files.camera_file import write_camera
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.files.moving_tracks import read_moving_tracks
from tasks.media.files.people_file import people_writer
from tests.support.artifacts import artifact
from tests.support.drawn.bodies import clothes, figure

FRAMES, SLIDE, RATE_HZ = 40, 20, 25
TORSO_PX = 40.0
EDGES_PX = np.array([-0.5, 59.5, 199.5, 159.5], np.float32)  # the shoulders are at y = 110


def body(heads_px: tuple[int, ...]) -> Mask:
    """A trunk from row 50 of the box on, and heads with middles at ``heads_px`` above it."""
    probability = np.zeros((100, 200), np.uint8)
    probability[50:] = 255
    for head in heads_px:
        probability[30:50, head - 5 : head + 5] = 255
    return Mask(probability, EDGES_PX, MaskState.measured)


@pytest.mark.parametrize("slip_px", [30.0, 2.0])
def test_heads_are_counted_in_the_masks_of_a_track_that_slips(tmp_path: Path, slip_px: float) -> None:
    """In the second frames of ten the mask shows two; a second track, without slips, is not looked at."""
    with people_writer(tmp_path) as writer:
        for frame in range(FRAMES):
            writer.frame(frame, frame / RATE_HZ, True, 0)
            for track, by_px in ((1, slip_px * (frame >= SLIDE)), (2, 0.0)):
                two = frame % 10 == 1
                writer.sighting(
                    frame,
                    frame / RATE_HZ,
                    track,
                    figure((100 + by_px, 150), TORSO_PX),
                    body((100, 140) if two else (100,)),
                )
                writer.step(frame, track, Step(dx_px=0.0, dy_px=0.0))
                writer.clothes(frame, track, clothes(2).astype(np.float32))
    camera = CameraPath(np.zeros(FRAMES, np.int64), affine.translation(np.zeros((FRAMES, 2))), np.ones(FRAMES))
    time_s = (np.arange(FRAMES) / RATE_HZ).tolist()
    write_camera(tmp_path / "camera.parquet", camera, list(range(FRAMES)), time_s, (200, 160))
    first, second = read_moving_tracks(artifact("pose", tmp_path))
    assert first.slip_xy is not None and first.scene_step is not None
    assert_allclose(first.slip_xy[-1], (slip_px, 0), atol=1e-4)
    assert_allclose(first.scene_step[1:], 0, atol=1e-4)
    assert second.two_heads is None
    if slip_px == 2.0:
        assert first.two_heads is None
    else:
        assert first.two_heads is not None and np.flatnonzero(first.two_heads).tolist() == [1, 11, 21, 31]
