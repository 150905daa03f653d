from pathlib import Path

import numpy as np

from tasks.maths.path import affine
from tasks.media.scene.frame_store import FrameStore
from tasks.media.scene.people_mask import HIDES, MAY_HIDE, SHADED
from tasks.media.scene.plate import EDGE_STEP_PX, Plate
from tasks.media.scene.plate_builder import build_plate
from tests.support.drawn.scenery import SIZE_PX, Scenery, panning, psnr, texture


def plate_of(scenery: Scenery, folder: Path, frame: int, sources: list[int]) -> Plate:
    store = FrameStore(folder, scenery.layout, SIZE_PX)
    for index in (frame, *sources):
        store.put(scenery.frame(index), scenery.hidden(index))
    placed = [(index, scenery.path.between(index, frame)) for index in sources]
    return build_plate(frame, [(index, matrix) for index, matrix in placed if matrix is not None], store, 0)


def test_what_somebody_hides_comes_from_frames_that_saw_it(tmp_path: Path) -> None:
    scenery = panning(40, 0, walker_x_px=100.0 + 4 * np.arange(40))
    plate = plate_of(scenery, tmp_path, 20, [10, 30, 5, 35])
    hidden = np.s_[62:148, 182:208]
    assert psnr(plate.planes[0][hidden], scenery.background(20)[hidden]) > 35


def test_what_nobody_saw_is_filled_smoothly(tmp_path: Path) -> None:
    scenery = panning(10, 0, walker_x_px=np.full(10, 150.0))
    plate = plate_of(scenery, tmp_path, 5, [0, 9])
    walker = plate.planes[0][62:148, 152:178]
    around = scenery.background(5)[50:160, 140:190]
    assert abs(float(walker.mean()) - float(around.mean())) < 25
    assert walker.min() > 30


def test_what_most_frames_show_outvotes_what_one_shows(tmp_path: Path) -> None:
    scenery = panning(40, 0, walker_x_px=100.0 + 4 * np.arange(40))
    store = FrameStore(tmp_path, scenery.layout, SIZE_PX)
    for index in (20, 10, 30, 5):
        frame = scenery.frame(index)
        if index == 10:  # the nearest source shows a bag that is in no mask
            frame.planes[0][80:120, 180:210] = 250
        store.put(frame, scenery.hidden(index))
    still = affine.translation(np.zeros(2))
    plate = build_plate(20, [(10, still), (30, still), (5, still)], store, 0)
    assert psnr(plate.planes[0][85:115, 185:205], scenery.background(20)[85:115, 185:205]) > 30


def test_a_plate_reaches_as_far_as_other_frames_saw(tmp_path: Path) -> None:
    scenery = panning(40, 3)
    plate = plate_of(scenery, tmp_path, 10, [5, 15, 0, 25])
    assert (plate.box.x0, plate.box.y0, plate.box.x1, plate.box.y1) == (-30, 0, 320 + 44, 180)
    assert plate.seen.mean() > 250


def test_frames_that_do_not_agree_end_the_plate_at_the_frames_edges(tmp_path: Path) -> None:
    scenery = panning(40, 3)
    other = Scenery(texture(scenery.wide.shape[1], scenery.wide.shape[0], seed=8), scenery.corners_px)
    store = FrameStore(tmp_path, scenery.layout, SIZE_PX)
    store.put(scenery.frame(10), scenery.hidden(10))
    for index in (5, 15):
        store.put(other.frame(index), other.hidden(index))
    sources = [(index, scenery.path.between(index, 10)) for index in (5, 15)]
    plate = build_plate(10, [(index, matrix) for index, matrix in sources if matrix is not None], store, 0)
    assert not plate.trusted
    assert plate.box == (0, 0, *SIZE_PX)


FOOT = np.s_[100:140, 290:]


def foot_store(scenery: Scenery, folder: Path, levels: dict[int, int], feet: list[int]) -> FrameStore:
    """Frames in which the place of a foot has one of the ``levels`` of hidden places; ``feet`` show it, in white."""
    store = FrameStore(folder, scenery.layout, SIZE_PX)
    for index, level in levels.items():
        frame, hidden = scenery.frame(index), scenery.hidden(index)
        hidden[45:75, 135:] = level
        if index in feet:
            frame.planes[0][100:140, 280:] = 250
        store.put(frame, hidden)
    return store


def test_a_foot_whose_mask_is_lost_gives_way_to_a_frame_that_surely_shows_the_background(tmp_path: Path) -> None:
    scenery, still = panning(10, 0), affine.translation(np.zeros(2))
    store = foot_store(scenery, tmp_path, {5: MAY_HIDE, 4: MAY_HIDE, 6: MAY_HIDE, 8: SHADED}, [5, 4, 6])
    plate = build_plate(5, [(4, still), (6, still), (8, still)], store, 0)
    assert psnr(plate.planes[0][FOOT], scenery.background(5)[FOOT]) > 35


def test_where_a_lost_foot_may_be_in_every_frame_two_have_to_agree(tmp_path: Path) -> None:
    scenery, still = panning(10, 0), affine.translation(np.zeros(2))
    levels, sources = {5: HIDES, 4: HIDES, 6: MAY_HIDE, 8: MAY_HIDE}, [(4, still), (6, still), (8, still)]
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    plate = build_plate(5, sources, foot_store(scenery, one, {**levels, 8: HIDES}, [6]), 0)
    assert plate.background[0][FOOT].max() < 240
    plate = build_plate(5, sources, foot_store(scenery, two, levels, []), 0)
    assert psnr(plate.planes[0][FOOT], scenery.background(5)[FOOT]) > 35
    assert plate.background is plate.planes


def shaded_store(scenery: Scenery, folder: Path, in_the_shade: list[int], clear: list[int]) -> FrameStore:
    """Frames in which a shadow lies at the right edge, told as a place that may be in the shade; and frames without."""
    store = FrameStore(folder, scenery.layout, SIZE_PX)
    for index in (*in_the_shade, *clear):
        frame, hidden = scenery.frame(index), scenery.hidden(index)
        if index in in_the_shade:
            frame.planes[0][100:140, 280:] //= 2
            hidden[45:75, 135:] = SHADED
        store.put(frame, hidden)
    return store


def test_a_shadow_gives_way_to_frames_that_show_the_place_without_it(tmp_path: Path) -> None:
    scenery, still = panning(10, 0), affine.translation(np.zeros(2))
    store = shaded_store(scenery, tmp_path, [4, 5, 6], [8])
    plate = build_plate(5, [(4, still), (6, still), (8, still)], store, 0)
    assert psnr(plate.planes[0][100:140, 290:], scenery.background(5)[100:140, 290:]) > 35


def test_a_shadow_that_lies_there_in_all_frames_stays(tmp_path: Path) -> None:
    scenery, still = panning(10, 0), affine.translation(np.zeros(2))
    store = shaded_store(scenery, tmp_path, [4, 5, 6], [])
    plate = build_plate(5, [(4, still), (6, still)], store, 0)
    assert np.array_equal(plate.planes[0], store.planes(5)[0])
    assert plate.seen.min() == 255


def test_beyond_the_frame_a_mirror_stands_where_others_saw_only_shade(tmp_path: Path) -> None:
    scenery = panning(40, 3)
    store = shaded_store(scenery, tmp_path, [15, 20], [10])
    sources = [(index, scenery.path.between(index, 10)) for index in (15, 20)]
    plate = build_plate(10, [(index, matrix) for index, matrix in sources if matrix is not None], store, 0)
    seen = plate.seen[:, SIZE_PX[0] // EDGE_STEP_PX + 1 : (SIZE_PX[0] + 24) // EDGE_STEP_PX]
    assert seen[4:9].min() > 200
    assert seen[13:17].max() == 0
