from pathlib import Path

import numpy as np

from tasks.maths.path import affine
from tasks.media.planes.layout import nearest_layout
from tasks.media.planes.region import Region
from tasks.media.scene.frame_store import FrameStore
from tasks.media.scene.parallax import FIELD_STEP, Grid, Shifts, measured_shifts, plate_shifts, warp_shifted
from tasks.media.scene.plate_builder import build_plate
from tests.support.drawn.scenery import SIZE_PX, bent, panning, psnr, texture

STILL = affine.translation(np.zeros(2))
BOX = Region(-64, 0, *SIZE_PX)


def two_views(most_px: float) -> tuple[Grid, np.ndarray, np.ndarray, np.ndarray]:
    """A grid, what a frame and another picture show on it, and where both show something."""
    grid = Grid(BOX, SIZE_PX)
    picture = texture(grid.wh[0], grid.wh[1], seed=3)
    both = np.zeros(picture.shape, np.bool_)
    both[:, 32:] = True
    return grid, np.where(both, picture, 0).astype(np.uint8), bent(picture, most_px), both


def test_shifts_are_measured_in_the_overlap_and_go_on_beyond_it() -> None:
    grid, mine, its, both = two_views(2.5)
    shifts = measured_shifts(grid, mine, its, both)
    assert shifts is not None
    true_px = 2.5 * np.arange(grid.wh[1]) / grid.wh[1]
    for column in (10, 60, 120):
        assert np.abs(shifts.drawn_out[5:-5, column, 0] - true_px[5:-5]).max() < 0.5
    assert np.abs(shifts.drawn_out[..., 1]).max() < 0.25


def test_pictures_that_lie_on_one_another_are_not_shifted() -> None:
    grid, mine, its, both = two_views(0.0)
    assert measured_shifts(grid, mine, its, both) is None


def test_two_plates_give_way_to_each_other_by_their_weights() -> None:
    grid, mine, its, both = two_views(2.5)
    away = np.zeros_like(both)  # people hide the whole frame: only the plates can be compared
    first, second = plate_shifts(grid, mine, away, [(its, ~away), (bent(its, -2.5), ~away)], [0.25, 0.75])
    assert first is not None and second is not None
    apart = second.field[..., 0] - first.field[..., 0]
    assert np.allclose(first.field, -0.75 * (second.field - first.field), atol=1e-4)
    assert abs(float(np.median(apart)) + 1.25) < 0.25


def test_a_moved_plane_shows_what_lies_beside_each_place() -> None:
    plane, grid = texture(*SIZE_PX, seed=5), Grid(Region(0, 0, *SIZE_PX), SIZE_PX)
    field = np.zeros((grid.wh[1] // FIELD_STEP, grid.wh[0] // FIELD_STEP, 2), np.float32)
    field[..., 0] = 3.0 * grid.to_small[0, 0]  # three pixels of the frame
    piece = Region(100, 50, 180, 120)
    layout, shifts = nearest_layout("gray"), Shifts(grid, field)
    (moved,) = warp_shifted([plane], layout, STILL, shifts, piece, 0, luma="linear", border="reflect")
    assert np.abs(moved.astype(int) - plane[50:120, 103:183]).max() <= 1


def test_beyond_the_frame_a_plate_follows_its_frame_where_near_things_moved_farther(tmp_path: Path) -> None:
    scenery = panning(40, 3)
    store = FrameStore(tmp_path, scenery.layout, SIZE_PX)
    store.put(scenery.frame(10), scenery.hidden(10))
    other = scenery.frame(20)
    other.planes[0][:] = bent(other.planes[0], 6.0)
    store.put(other, scenery.hidden(20))
    matrix = scenery.path.between(20, 10)
    assert matrix is not None
    plate = build_plate(10, [(20, matrix)], store, 0)
    beyond = plate.planes[0][10:-10, SIZE_PX[0] + 2 : SIZE_PX[0] + 26]
    truth = scenery.background(10, 26)[36:-36, SIZE_PX[0] + 28 :][:, :24]
    assert psnr(beyond, truth) > 38
