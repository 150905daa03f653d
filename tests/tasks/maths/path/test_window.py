"""The window: no border where none is allowed, and nothing lost where everything must be shown."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import pytest

from conf import lock
from tasks.errors import SettingError
from tasks.maths.arrays import Floats
from tasks.maths.path import affine, framing, window
from tasks.maths.path.outline import outline_px
from tasks.maths.path.window import CropWindow

SIZE = (640, 360)
CENTRE = np.array([319.5, 179.5])


class Mode(Enum):
    none = "none"
    fixed = "fixed"
    auto = "auto"
    follow = "follow"
    expand = "expand"


@dataclass
class Crop:
    mode: Mode = Mode.none
    size: list[int] | None = None
    aspect: str | None = None
    window: list[int] | None = None
    output: list[int] | None = None


def shifts(*xy: tuple[float, float]) -> Floats:
    return affine.translation(np.array(xy, np.float64))


def covered(to_output: Floats, view: CropWindow) -> Floats:
    moved = affine.compose(affine.translation(-view.corner_px), to_output)
    return framing.visible_area(moved, SIZE, view.size_px)


def wander(frames: int, seed: int, turn_rad: float = 0.0, grow: float = 0.0) -> Floats:
    draw = np.random.default_rng(seed)
    linear = affine.scale_and_turn(1 + grow * draw.uniform(-1, 1, frames), turn_rad * draw.uniform(-1, 1, frames))
    return affine.about_target(linear, draw.uniform(-40, 40, (frames, 2)), CENTRE)


@pytest.mark.parametrize(
    ("source", "aspect", "pixel_aspect", "size"),
    [
        ((1280, 720), "9:16", 1.0, (404, 720)),
        ((1280, 720), "1:1", 1.0, (720, 720)),
        ((1280, 720), "4:5", 1.0, (576, 720)),
        ((1280, 720), "16:9", 1.0, (1280, 720)),
        ((1080, 1920), "16:9", 1.0, (1080, 606)),
        ((1084, 1080), "2.35:1", 1.0, (1084, 460)),
        ((720, 576), "16:9", 16 / 11, (704, 576)),
        ((321, 241), "1:1", 1.0, (240, 240)),
    ],
)
def test_an_aspect_gives_the_largest_even_window(
    source: tuple[int, int], aspect: str, pixel_aspect: float, size: tuple[int, int]
) -> None:
    assert window.stabilized_size(source, Crop(aspect=aspect), pixel_aspect) == size


def test_an_aspect_that_leaves_too_little_is_refused_in_one_line() -> None:
    with pytest.raises(SettingError, match=r"^crop\.aspect: 1:100 of a picture of 640x360 is only 2x360; give"):
        window.size_of_aspect(SIZE, "1:100")


@pytest.mark.parametrize(
    ("asked", "largest"),
    [
        ([600, 0, 100, 100], r"\[600,0,40,360\]"),
        ([0, 300, 640, 100], r"\[0,300,640,60\]"),
        ([-10, 0, 100, 100], r"\[0,0,640,360\]"),
        ([700, 0, 100, 100], r"\[0,0,640,360\]"),
    ],
)
def test_a_window_beyond_the_picture_is_refused_with_the_largest_one(asked: list[int], largest: str) -> None:
    with pytest.raises(SettingError, match=rf"^crop\.window: .* 640x360; the largest possible is {largest}$"):
        window.stabilized_size(SIZE, Crop(Mode.fixed, window=asked))


def test_without_a_crop_or_with_a_following_crop_everything_is_shown() -> None:
    assert window.choose_window(Crop(), shifts((5, 5)), SIZE, SIZE, CENTRE) == CropWindow(0, 0, 640, 360)
    assert window.choose_window(Crop(Mode.follow, [200, 100]), shifts((5, 5)), SIZE, (200, 100), CENTRE) == CropWindow(
        0, 0, 200, 100
    )
    assert window.choose_window(
        Crop(Mode.fixed, window=[8, 6, 100, 90]), shifts((5, 5)), SIZE, SIZE, CENTRE
    ) == CropWindow(8, 6, 100, 90)


def test_a_still_clip_keeps_its_full_size() -> None:
    for crop in (Crop(Mode.auto), Crop(Mode.expand)):
        assert window.choose_window(crop, shifts((0, 0), (0, 0)), SIZE, SIZE, CENTRE) == CropWindow(0, 0, 640, 360)


def test_the_largest_covered_window_of_shifts_is_known() -> None:
    view = window.largest_covered_window(shifts((-64, 0), (64, 0)), SIZE, CENTRE)
    assert view == CropWindow(64, 36, 512, 288)
    view = window.largest_covered_window(shifts((0, 0), (128, 0)), SIZE, CENTRE)
    assert (view.x, view.width, view.height) == (128, 512, 288)


@pytest.mark.parametrize(("turn", "grow"), [(0.0, 0.0), (0.1, 0.0), (0.06, 0.05)])
@pytest.mark.parametrize("seed", range(4))
def test_the_window_shows_no_border_and_a_larger_one_would(seed: int, turn: float, grow: float) -> None:
    to_output = wander(50, seed, turn, grow)
    view = window.largest_covered_window(to_output, SIZE, CENTRE)
    assert covered(to_output, view).min() > 1 - 1e-6
    assert view.width % 2 == view.height % 2 == 0
    assert view.width / view.height == pytest.approx(SIZE[0] / SIZE[1], rel=2.5 / view.height)
    for x in range(int(view.x) - 8, int(view.x) + 9, 2):
        for y in range(int(view.y) - 8, int(view.y) + 9, 2):
            larger = CropWindow(x, y, view.width + 6, view.height + 4)
            assert covered(to_output, larger).min() < 1 - 1e-7


def test_a_window_is_centred_on_the_target_where_possible() -> None:
    to_output = shifts((-20, -60), (20, 60))
    view = window.largest_covered_window(to_output, SIZE, CENTRE)
    assert view.x + view.width / 2 == pytest.approx(320, abs=1)
    aside = window.largest_covered_window(shifts((0, -60), (0, 60)), SIZE, np.array([600.0, 179.5]))
    assert aside.x > 300 - aside.width / 2


@pytest.mark.parametrize("part", [(1.0, 1.0), (0.7, 0.9), (0.5, 0.3)])
def test_a_smaller_window_than_the_largest_is_covered_too(part: tuple[float, float]) -> None:
    to_output, target = wander(40, 3), np.array([319.5, 239.5])
    largest = window.largest_covered_window(to_output, SIZE, target)
    size = (int(largest.width * part[0]), int(largest.height * part[1]))
    view = window.covered_window(to_output, SIZE, size, target)
    assert view.size_px == size
    assert covered(to_output, view).min() > 1 - 1e-9
    with pytest.raises(SettingError, match=rf"largest covered window is {largest.width}x{largest.height}"):
        window.covered_window(to_output, SIZE, (largest.width + 2, largest.height + 2), target)


def test_a_clip_without_a_covered_window_is_refused_in_one_line() -> None:
    with pytest.raises(SettingError, match=r"^crop: auto: no window of 16 pixels .*; choose crop=follow"):
        window.largest_covered_window(shifts((-400, 0), (400, 0)), SIZE, CENTRE)


@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_an_expanded_canvas_is_just_large_enough(turn: float) -> None:
    to_output = wander(30, 7, turn)
    view = window.canvas_around_all(to_output, SIZE)
    corners = affine.apply(to_output[:, None], outline_px(SIZE)[None]).reshape(-1, 2) - view.corner_px
    assert (corners >= -0.5 - 1e-2).all()
    assert (corners <= np.array(view.size_px) - 0.5 + 1e-2).all()
    assert (np.ptp(corners, axis=0) > np.array(view.size_px) - 3).all()
    assert view.width % 2 == view.height % 2 == 0


def test_a_canvas_too_large_for_a_codec_is_refused_in_one_line() -> None:
    with pytest.raises(
        SettingError, match=r"^crop: expand: the canvas would be 20640x360; the largest possible is 16384"
    ):
        window.canvas_around_all(shifts((0, 0), (20000, 0)), SIZE)


def scaled(to_output: Floats, view: CropWindow) -> Floats:
    return view.enlarged(affine.compose(affine.translation(-view.corner_px), to_output))


@pytest.mark.parametrize("shape", [(360, 640), (1280, 720), (200, 200)])
@pytest.mark.parametrize(("turn", "grow"), [(0.0, 0.0), (0.06, 0.05)])
def test_a_scaled_window_shows_no_border_and_a_larger_one_would(
    shape: tuple[int, int], turn: float, grow: float
) -> None:
    to_output = wander(50, 1, turn, grow)
    view = window.choose_window(Crop(Mode.auto, output=list(shape)), to_output, SIZE, SIZE, CENTRE)
    assert view.size_px == shape
    assert framing.visible_area(scaled(to_output, view), SIZE, shape).min() > 1 - 1e-5
    larger = view.zoom / 1.01
    shown = np.array(shape) / larger
    for x, y in view.corner_px + np.array([[dx, dy] for dx in (-4, -1, 0, 1) for dy in (-4, -1, 0, 1)]):
        moved = affine.compose(affine.translation(-np.array([x, y])), to_output)
        assert framing.visible_area(moved, SIZE, (float(shown[0]), float(shown[1]))).min() < 1 - 1e-4


def test_a_scaled_window_of_the_size_that_is_shown_is_not_scaled() -> None:
    for seed in range(3):
        to_output = wander(50, seed)
        plain = window.largest_covered_window(to_output, SIZE, CENTRE)
        asked = Crop(Mode.auto, output=list(plain.size_px))
        assert window.choose_window(asked, to_output, SIZE, SIZE, CENTRE) == plain
        canvas = window.canvas_around_all(to_output, SIZE)
        assert window.canvas_of_shape(to_output, SIZE, canvas.size_px) == canvas


@pytest.mark.parametrize("shape", [(400, 400), (1600, 300)])
def test_a_scaled_canvas_holds_every_frame_and_touches_it(shape: tuple[int, int]) -> None:
    to_output = wander(30, 2, 0.1)
    view = window.canvas_of_shape(to_output, SIZE, shape)
    corners = affine.apply(scaled(to_output, view)[:, None], outline_px(SIZE)[None])
    room = np.concatenate([corners.min(axis=(0, 1)) + 0.5, np.array(shape) - 0.5 - corners.max(axis=(0, 1))])
    assert room.min() > -1e-6
    assert np.sort(room)[1] < 2 * view.zoom  # one axis is filled, but for the rounding to even numbers


def test_a_zoom_keeps_the_outer_edges_of_the_window() -> None:
    view = CropWindow(3.5, 2, 400, 200, 2.0)
    assert view.shown_px == (200, 100)
    edges = affine.apply(scaled(affine.translation(np.zeros(2)), view), np.array([[3.0, 1.5], [203.0, 101.5]]))
    np.testing.assert_allclose(edges, [[-0.5, -0.5], [399.5, 199.5]])


def test_the_largest_part_is_found_even_beyond_a_dip() -> None:
    assert window.largest_share(lambda part: 1 - part, 0.3, 0.02) == pytest.approx(0.7, abs=1e-6)
    assert window.largest_share(lambda part: 1.0, 0.9, 0.02) == 1
    assert window.largest_share(lambda part: 0.5, 0.9, 0.02) is None
    hill = window.largest_share(lambda part: float(0.3 < part < 0.5), 0.9, 0.02)
    assert hill == pytest.approx(0.5, abs=1e-4)


def test_a_window_has_the_limits_that_the_settings_name() -> None:
    assert (window.SMALLEST_SIDE_PX, window.LARGEST_SIDE_PX) == (lock.MIN_SIDE_PX, lock.MAX_SIDE_PX)
