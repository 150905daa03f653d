from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.path import affine, framing
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.files.people_file import people_writer
from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.layout import Plane, Planes, nearest_layout
from tasks.media.planes.region import Region
from tasks.media.planes.warp import warp_planes
from tasks.media.scene.border import Origin, SceneBorder
from tasks.media.scene.clean_part import Fit, PlacedPlate, PlateFiller, measured_exposures, sparse_clean_part
from tasks.media.scene.exposure import Exposure, coarse_size
from tasks.media.scene.extend import Extender, hidden_boxes
from tasks.media.scene.hidden_people import hidden_people
from tasks.media.scene.plate import LONE_LEVEL, Plate
from tests.support.drawn.bodies import figure
from tests.support.drawn.scenery import RATE_HZ, SIZE_PX, Scenery, border_of, panning, psnr


def filled(
    border: SceneBorder, scenery: Scenery, frame: int, to_output: NDArray[np.float64]
) -> tuple[Planes, Planes, Origin]:
    planes = scenery.frame(frame).planes
    moved = warp_planes(planes, scenery.layout, to_output, SIZE_PX)
    own = float(framing.visible_area(to_output[None], SIZE_PX, SIZE_PX)[0])
    done, origin = border.fill(frame, planes, scenery.hidden(frame), to_output, SIZE_PX, own, "cubic")
    return moved, done, origin


def test_what_another_frame_saw_stands_beyond_the_edge(tmp_path: Path) -> None:
    scenery = panning(60, 2)
    shift = affine.translation(np.array([-60.0, 0.0]))
    moved, done, origin = filled(border_of(scenery, tmp_path), scenery, 10, shift)
    truth = scenery.background(10, 60)[60:-60, 120:][:, : SIZE_PX[0]]
    margin = np.s_[:, SIZE_PX[0] - 60 : SIZE_PX[0] - 6]
    assert psnr(done[0][margin], truth[margin]) > 30
    assert psnr(done[0][margin], truth[margin]) > psnr(moved[0][margin], truth[margin]) + 8
    assert origin.seen == pytest.approx(60 / 320, abs=0.02)
    assert sum(origin) == pytest.approx(1)


def test_beyond_the_edge_lines_go_on_where_near_things_moved_farther_than_in_the_plates(tmp_path: Path) -> None:
    scenery = panning(60, 2, near_px=0.3)
    shift = affine.translation(np.array([-60.0, 0.0]))
    _, done, _ = filled(border_of(scenery, tmp_path), scenery, 10, shift)
    truth = scenery.background(10, 60)[60:-60, 120:][:, : SIZE_PX[0]]
    margin = np.s_[:, SIZE_PX[0] - 54 : SIZE_PX[0] - 6]
    assert psnr(done[0][margin], truth[margin]) > 34


def test_the_frames_own_pixels_stay_exactly_what_they_were(tmp_path: Path) -> None:
    scenery = panning(60, 2, walker_x_px=np.full(60, 140.0))
    border = border_of(scenery, tmp_path)
    for to_output in (np.array([-60.4, 7.3]), np.array([33.0, -8.0])):
        moved, done, _ = filled(border, scenery, 10, affine.translation(to_output))
        first = np.maximum(np.ceil(to_output).astype(int), 0)
        last = np.minimum(np.array(SIZE_PX) + np.floor(to_output).astype(int), SIZE_PX)
        inside = np.s_[first[1] + 2 : last[1] - 2, first[0] + 2 : last[0] - 2]
        assert np.array_equal(done[0][inside], moved[0][inside])


def test_a_mirror_shows_nobody(tmp_path: Path) -> None:
    scenery = panning(90, 0, walker_x_px=np.linspace(-40, 330, 90))
    shift = affine.translation(np.array([150.0, 0.0]))
    for beyond in (False, True):
        folder = tmp_path / str(beyond)
        folder.mkdir()
        border = border_of(scenery, folder, beyond=beyond)
        moved, done, origin = filled(border, scenery, 25, shift)
        walker = int(scenery.walker_x_px[25]) if scenery.walker_x_px is not None else 0
        mirrored = np.s_[60:150, 150 - walker - 30 : 150 - walker]
        assert moved[0][mirrored].mean() < 10
        clean = scenery.background(25)[60:150, walker : walker + 30][:, ::-1]
        assert psnr(done[0][mirrored][:, 1:-1], clean[:, 1:-1]) > 24
        assert origin.seen < 0.01
        assert origin.mirrored == pytest.approx(150 / 320, abs=0.01)


@dataclass(frozen=True)
class Masked(Scenery):
    """A scenery in which people hide what ``masks`` say, one for each frame."""

    masks: tuple[NDArray[np.uint8], ...] = ()

    def hidden(self, index: int) -> NDArray[np.uint8]:
        return self.masks[index]


def test_a_mirror_shows_nobody_who_stands_at_the_edge_before_they_are_found(tmp_path: Path) -> None:
    walker_x_px = np.concatenate([np.full(100, -15.0), -15 + 4.0 * np.arange(1, 60)])
    drawn = panning(len(walker_x_px), 0, walker_x_px=walker_x_px)
    with people_writer(tmp_path) as writer:
        for frame, x in enumerate(walker_x_px):
            writer.frame(frame, frame / float(RATE_HZ), True, 0)
            if x >= 0:  # found as soon as the picture's edge cuts no part of them
                edges_px = np.array([x, 60, x + 30, 150], np.float32)
                body = Mask(np.full((8, 8), 255, np.uint8), edges_px, MaskState.measured)
                writer.sighting(frame, frame / float(RATE_HZ), 1, figure((x + 15, 102.0), 30.0), body)
    files = tmp_path / "people.parquet", tmp_path / "bodies.npz"
    told = hidden_people(*files, len(walker_x_px), float(RATE_HZ), SIZE_PX, (80, 45), shadows=True)
    scenery = Masked(drawn.wide, drawn.corners_px, walker_x_px, masks=tuple(told))
    _, done, _ = filled(border_of(scenery, tmp_path), scenery, 20, affine.translation(np.array([100.0, 0.0])))
    mirrored = np.s_[60:150, 85:100]
    assert psnr(done[0][mirrored], scenery.background(20)[60:150, :15][:, ::-1]) > 36


def test_a_picture_that_covers_the_output_is_left_alone(tmp_path: Path) -> None:
    scenery = panning(40, 2)
    moved, done, origin = filled(border_of(scenery, tmp_path), scenery, 5, affine.translation(np.zeros(2)))
    assert all(np.array_equal(*pair) for pair in zip(done, moved, strict=True))
    assert origin == (1, 0, 0)


def test_other_exposure_leaves_no_step_at_the_edge(tmp_path: Path) -> None:
    scenery = panning(60, 2, brighter=0.5)
    shift = affine.translation(np.array([-60.0, 0.0]))
    _, done, _ = filled(border_of(scenery, tmp_path), scenery, 10, shift)
    truth = scenery.background(10, 60)[60:-60, 120:][:, : SIZE_PX[0]].astype(np.float64) + 5
    difference = (done[0] - truth)[:, SIZE_PX[0] - 60 : SIZE_PX[0] - 8]
    assert abs(difference.mean()) < 1.5


def test_a_turned_and_scaled_picture_is_filled_too(tmp_path: Path) -> None:
    scenery = panning(60, 2)
    turned = affine.about_target(affine.scale_and_turn(1.1, 0.1), np.array([-50.0, 0.0]), np.array([160.0, 90.0]))
    moved, done, origin = filled(border_of(scenery, tmp_path), scenery, 10, turned)
    assert origin.seen > 0.05
    assert np.array_equal(done[0][60:120, 60:160], moved[0][60:120, 60:160])


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv444p", "gray", "gbrp", "yuv422p"])
def test_each_pixel_format_keeps_its_own_planes(tmp_path: Path, pixel_format: str) -> None:
    scenery = panning(40, 2, pixel_format=pixel_format)
    shift = affine.translation(np.array([-41.0, 5.0]))
    moved, done, origin = filled(border_of(scenery, tmp_path), scenery, 5, shift)
    assert [(plane.shape, plane.dtype) for plane in done] == [(plane.shape, plane.dtype) for plane in moved]
    assert origin.seen > 0.08
    depth = scenery.layout.depth
    truth = scenery.background(5, 60)[55:-65, 101:][:, : SIZE_PX[0]]
    shown = (done[0] >> (depth - 8)).astype(np.uint8) if depth > 8 else done[0]
    margin = np.s_[10:, SIZE_PX[0] - 40 : SIZE_PX[0] - 8]
    assert psnr(shown[margin], truth[margin]) > 28


def test_the_background_behind_a_person_is_known_where_a_frame_saw_it(tmp_path: Path) -> None:
    scenery = panning(90, 0, walker_x_px=np.linspace(-40, 330, 90))
    x = int(scenery.walker_x_px[40]) if scenery.walker_x_px is not None else 0
    box = Region(x // 2 * 2 - 10, 50, x // 2 * 2 + 50, 160)
    planes = scenery.frame(40).planes
    clean = border_of(scenery, tmp_path).clean_part(40, planes, scenery.hidden(40), box)
    assert clean is not None and clean.seen.all()
    truth = scenery.background(40)[box.y0 : box.y1, box.x0 : box.x1]
    assert psnr(clean.planes[0], truth) > 30
    assert psnr(planes[0][box.y0 : box.y1, box.x0 : box.x1], truth) < 20


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le"])
def test_every_fourth_pixel_of_the_background_is_the_same_as_in_all_of_it(tmp_path: Path, pixel_format: str) -> None:
    scenery = panning(90, 0, walker_x_px=np.linspace(-40, 330, 90), pixel_format=pixel_format)
    layout, box = scenery.layout, Region(100, 50, 160, 160)
    border, planes, hidden = border_of(scenery, tmp_path), scenery.frame(40).planes, scenery.hidden(40)
    whole, few = (border.clean_part(40, planes, hidden, box, step_px) for step_px in (1, 4))
    assert whole is not None and few is not None
    np.testing.assert_array_equal(few.seen, whole.seen[::4, ::4])
    for index, (plane, its) in enumerate(zip(whole.planes, few.planes, strict=True)):
        across, down = sample_spacing(layout, index)
        difference = plane[:: 4 // down, :: 4 // across].astype(int) - its
        assert np.abs(difference).max() <= 3 << (layout.depth - 8)


@pytest.mark.parametrize("shift_px", [-40, 40])
def test_beyond_the_edge_of_a_plate_no_background_is_known(shift_px: int) -> None:
    class Filler:
        """Shows nothing."""

        def sparse(self, *_: Any) -> list[Plane]:
            return []

    box = Region(0, 0, 160, 160)
    plate = Plate(0, box.size_px, box, (), np.full((10, 10), 255, np.uint8), agreement=1.0, parallax=False)
    placed = PlacedPlate(plate, affine.translation(np.array([shift_px, 0.0])), 1.0)
    seen = sparse_clean_part(cast(PlateFiller, Filler()), [placed], box, 2).seen
    seen = seen if shift_px < 0 else seen[:, ::-1]
    assert seen[8:-8, 8:50].all() and not seen[:, -18:].any()


def test_a_lone_place_is_filled_from_its_surroundings_for_borders_and_cut_outs() -> None:
    """It holds a white foot on a gray floor: a cut-out that was compared with the foot would lose it."""
    layout, box = nearest_layout("gray"), Region(-16, 0, 160, 160)
    plane, seen = np.full((160, 176), 80, np.uint8), np.full((20, 22), 255, np.uint8)
    plane[64:96, 80:112], seen[8:12, 10:14] = 250, LONE_LEVEL
    placed = [PlacedPlate(Plate(0, (160, 160), box, (plane,), seen, 1.0, False), affine.translation(np.zeros(2)), 1.0)]
    foot, floor = Region(72, 72, 88, 88), Region(-16, 0, 0, 160)
    fit = Fit(Exposure(np.zeros((*coarse_size(box.size_px)[::-1], 1), np.float32), 1.0), None)
    filler = PlateFiller(placed, [fit], box, layout, (160, 160), 0)
    for shown in (filler.values(foot), filler.sparse(foot, 2)):
        assert np.abs(shown[0].astype(int) - 80).max() <= 4
    assert (filler.values(floor)[0] == 80).all()


def test_what_is_always_hidden_is_not_known(tmp_path: Path) -> None:
    scenery = panning(60, 0, walker_x_px=np.full(60, 140.0))
    box = Region(150, 80, 160, 100)
    clean = border_of(scenery, tmp_path).clean_part(30, scenery.frame(30).planes, scenery.hidden(30), box)
    assert clean is None or not clean.seen.any()


@pytest.mark.parametrize("near_px", [0.0, 0.3])
def test_shifts_are_only_measured_where_parallax_moved_the_frames_of_a_plate_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, near_px: float
) -> None:
    scenery, measured = panning(60, 2, near_px=near_px), []
    border = border_of(scenery, tmp_path)

    def counted(*asked: Any) -> list[None]:
        measured.append(asked)
        return [None, None]

    monkeypatch.setattr("tasks.media.scene.clean_part.plate_shifts", counted)
    filled(border, scenery, 10, affine.translation(np.array([-60.0, 0.0])))
    assert len(measured) == (1 if near_px else 0)


def test_two_people_of_odd_shapes_are_hidden_by_few_small_boxes() -> None:
    hidden = np.zeros((90, 160), np.uint8)
    hidden[20:70, 70:80] = 255  # a body
    hidden[60:75, 30:120] = 127  # the shadow at its feet
    boxes = hidden_boxes(hidden, Region(0, 0, *SIZE_PX), SIZE_PX)
    shown = np.zeros(SIZE_PX[::-1], int)
    for box in boxes:
        shown[box.y0 : box.y1, box.x0 : box.x1] += 1
    assert shown.max() == 1
    assert shown[cv2.resize(hidden, SIZE_PX, interpolation=cv2.INTER_LINEAR) > 0].min() == 1
    assert shown.sum() < 0.6 * (120 - 30) * 2 * (75 - 20) * 2
    assert hidden_boxes(hidden, Region(0, 0, 320, 30), SIZE_PX) == []


def test_brightness_is_measured_once_for_border_and_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenery, measured = panning(60, 2, walker_x_px=np.full(60, 140.0)), []
    border, planes = border_of(scenery, tmp_path), scenery.frame(10).planes

    def counted(*asked: Any) -> list[Exposure]:
        measured.append(asked)
        return measured_exposures(*asked)

    monkeypatch.setattr("tasks.media.scene.extend.measured_exposures", counted)
    filled(border, scenery, 10, affine.translation(np.array([-60.0, 0.0])))
    assert border.clean_part(10, planes, scenery.hidden(10), Region(150, 80, 160, 100)) is not None
    assert len(measured) == 1


def test_without_a_plate_people_are_filled_from_around_them_and_there_is_no_margin() -> None:
    scenery = panning(60, 0, walker_x_px=np.full(60, 140.0))
    extender = Extender(scenery.layout, SIZE_PX, 0)
    shown = (affine.translation(np.array([200.0, 0.0])), SIZE_PX)
    clean = extender.extend(10, scenery.frame(10).planes, scenery.hidden(10), [], *shown, beyond=True)
    assert clean.box == (0, 0, *SIZE_PX)
    assert clean.planes[0][60:150, 140:170].min() > 20
