from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.maths.scene.key_frames import plan_plates
from tasks.media.input.frames import Frame
from tasks.media.scene.movers import moving, unlike
from tests.support.drawn.scenery import SIZE_PX, Scenery, border_of, psnr, texture

FRAMES = 90
CAR = (24, 40)  # rows and columns of the picture that it covers


@dataclass(frozen=True)
class Street(Scenery):
    """A scene with a car that is in no mask."""

    car_xy: NDArray[np.int64] | None = None  # (n, 2) its first column and row
    car: tuple[int, int] = CAR

    def frame(self, index: int) -> Frame:
        picture = super().frame(index)
        if self.car_xy is not None:
            x, y = (self.car_xy[index] // 2).tolist()
            rows, columns = (
                slice(max(y, 0), max(y + self.car[0] // 2, 0)),
                slice(max(x, 0), max(x + self.car[1] // 2, 0)),
            )
            picture.planes[0][2 * rows.start : 2 * rows.stop, 2 * columns.start : 2 * columns.stop] = 250
            for plane in picture.planes[1:]:
                plane[rows, columns] = 90
        return picture


def street(*, pan_px: int = 0, car_xy: NDArray[np.int64] | None = None) -> Street:
    """Somebody walks to the right before the car; the camera stands, or pans by ``pan_px`` a frame."""
    corners = np.stack([60 + pan_px * np.arange(FRAMES), np.full(FRAMES, 60)], axis=1)
    wide = texture(SIZE_PX[0] + pan_px * FRAMES + 120, SIZE_PX[1] + 120)
    return Street(wide, corners, walker_x_px=20.0 + 3 * np.arange(FRAMES, dtype=np.float64), car_xy=car_xy)


def passing() -> NDArray[np.int64]:
    """A car that comes in at the right edge and crosses the picture in its lower half."""
    return np.stack([480 - 6 * np.arange(FRAMES), np.full(FRAMES, 130)], axis=1)


@pytest.mark.parametrize("frame", [8, 33, 45, 58, 70, 78])
def test_a_mirror_shows_nothing_that_moves_and_is_in_no_mask(tmp_path: Path, frame: int) -> None:
    scenery, shift_px = street(car_xy=passing()), 60
    to_output, output_px = affine.translation(np.zeros(2)), (SIZE_PX[0], SIZE_PX[1] + shift_px)
    planes, hidden = scenery.frame(frame).planes, scenery.hidden(frame)
    own = SIZE_PX[1] / output_px[1]
    done, _ = border_of(scenery, tmp_path).fill(frame, planes, hidden, to_output, output_px, own, "cubic")
    assert np.array_equal(done[0][: SIZE_PX[1]], planes[0])  # inside the frame it stays
    truth = np.flipud(scenery.background(frame))[1 : shift_px + 1]
    assert psnr(done[0][SIZE_PX[1] :], truth) > 32


@pytest.mark.parametrize("pan_px", [0, 2])
def test_a_plate_shows_nothing_that_moves(tmp_path: Path, pan_px: int) -> None:
    scenery = street(pan_px=pan_px, car_xy=passing())
    plates = border_of(scenery, tmp_path)._plates
    assert plates.frames
    for frame in plates.frames:
        plate = plates.read(frame)
        margin_px = -plate.box.x0
        inside = plate.planes[0][-plate.box.y0 :, margin_px:][: SIZE_PX[1], : SIZE_PX[0]]
        assert psnr(inside[110:], scenery.background(frame)[110:]) > 32


def test_what_stands_still_stays(tmp_path: Path) -> None:
    scenery = street(car_xy=np.tile([200, 130], (FRAMES, 1)))
    plates = border_of(scenery, tmp_path)._plates
    assert plates.frames
    for frame in plates.frames:
        shown = np.s_[130 : 130 + CAR[0], 200 : 200 + CAR[1]]
        assert np.array_equal(plates.read(frame).planes[0][shown], scenery.frame(frame).planes[0][shown])


@pytest.mark.parametrize(("x_px", "stays"), [(140, True), (250, False)])
def test_beside_somebody_who_stays_there_light_and_shadow_are_nothing_that_moves(
    tmp_path: Path, x_px: int, stays: bool
) -> None:
    still = replace(street(), walker_x_px=np.full(FRAMES, 100.0), car=(8, 8))
    frame = plan_plates(still.path, still.time_s, SIZE_PX)[1].frame
    lit = np.full((FRAMES, 2), -100)
    lit[frame] = x_px, 100  # in this frame only
    scenery, shown = replace(still, car_xy=lit), np.s_[100:108, x_px : x_px + 8]
    plate = border_of(scenery, tmp_path)._plates.read(frame).planes[0]
    assert np.array_equal(plate[shown], scenery.frame(frame).planes[0][shown]) is stays


def test_what_is_elsewhere_in_every_frame_is_left_as_it_is(tmp_path: Path) -> None:
    at = np.random.default_rng(5).integers([190, 120], [215, 135], (FRAMES, 2))  # like leaves in the wind
    scenery = street(car_xy=at)
    plates = border_of(scenery, tmp_path)._plates
    assert plates.frames
    for frame in plates.frames:
        shown = np.s_[135:140, 215:230]  # the middle of all places
        assert np.array_equal(plates.read(frame).planes[0][shown], scenery.frame(frame).planes[0][shown])


def test_other_light_and_edges_a_pixel_beside_are_nothing_that_moves() -> None:
    look, every = texture(120, 68), np.ones((68, 120), np.bool_)
    assert moving(unlike(look[:, 1:], look[:, :-1]), every[:, 1:]) is None
    assert moving(unlike(np.asarray(look + np.uint8(30)), look), every) is None


def test_a_thing_is_found_with_its_rim() -> None:
    background = np.full((68, 120), 100, np.uint8)
    look = background.copy()
    look[20:30, 40:50] = 112  # a dim part
    look[22:25, 42:46] = 160
    look[50, 100] = 255  # noise
    found = moving(unlike(look, background), np.ones(look.shape, np.bool_))
    assert found is not None
    rows, columns = np.nonzero(found)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (18, 31, 38, 51)
