import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.body.person_height import head_boxes
from tasks.maths.path import affine
from tasks.maths.scene.auto_target import choose_target, cut_edges, head_cut, natural_target

SIZE_PX = (1000, 600)
CENTRE_PX = (499.5, 299.5)


def boxes(*edges: float, frames: int = 5) -> NDArray[np.float64]:
    return np.tile(np.array(edges, np.float64), (frames, 1))


def never(frames: int = 5) -> NDArray[np.bool_]:
    return np.zeros((frames, 4), np.bool_)


def test_a_person_who_fits_is_held_at_the_centre() -> None:
    anchor = np.tile([300.0, 320.0], (5, 1))
    chosen = choose_target(anchor, boxes(250, 120, 350, 520), boxes(280, 110, 320, 160), never(), SIZE_PX, SIZE_PX)
    assert chosen.xy_px == CENTRE_PX
    assert chosen.why == ""


def test_the_target_moves_down_just_as_far_as_a_head_needs() -> None:
    anchor = np.tile([500.0, 550.0], (5, 1))
    head = boxes(460, 20, 540, 120)
    chosen = choose_target(anchor, boxes(400, 20, 600, 599), head, never(), SIZE_PX, SIZE_PX)
    top_in_output = 20 + chosen.xy_px[1] - 550
    assert 0 <= top_in_output <= 8
    assert chosen.xy_px[0] == CENTRE_PX[0]
    assert "below the centre" in chosen.why


def test_a_lower_edge_that_cuts_the_person_is_not_pulled_into_the_output() -> None:
    anchor = np.stack([np.full(5, 500.0), np.linspace(400, 420, 5)], axis=1)
    cut = np.tile([False, False, False, True], (5, 1))
    chosen = choose_target(anchor, boxes(400, 100, 600, 599), boxes(460, 90, 540, 180), cut, SIZE_PX, SIZE_PX)
    assert chosen.xy_px[1] == pytest.approx(420)
    assert "lower edge" in chosen.why


def test_who_only_walks_through_an_edge_does_not_move_the_target() -> None:
    anchor = np.stack([np.linspace(0, 999, 20), np.full(20, 320.0)], axis=1)
    bodies = np.stack([anchor[:, 0] - 60, np.full(20, 120.0), anchor[:, 0] + 60, np.full(20, 500.0)], axis=1)
    cut = np.zeros((20, 4), np.bool_)
    cut[:2, 0] = cut[-2:, 2] = True
    chosen = choose_target(anchor, bodies, np.full((20, 4), np.nan), cut, SIZE_PX, SIZE_PX)
    assert chosen.xy_px == CENTRE_PX


def test_a_head_goes_before_an_edge() -> None:
    anchor = np.tile([500.0, 100.0], (5, 1))
    cut = np.tile([False, True, False, False], (5, 1))
    chosen = choose_target(anchor, boxes(400, 0, 600, 500), boxes(450, -50, 550, 60), cut, SIZE_PX, SIZE_PX)
    top_in_output = 0 + chosen.xy_px[1] - 100
    assert top_in_output >= -0.6


def test_nobody_leaves_the_target_at_the_centre() -> None:
    nothing = np.full((3, 4), np.nan)
    chosen = choose_target(np.full((3, 2), np.nan), nothing, nothing, never(3), SIZE_PX, SIZE_PX)
    assert chosen.xy_px == CENTRE_PX


def test_a_natural_target_leaves_no_strip_without_picture_on_the_mean() -> None:
    anchor = np.stack([np.full(4, 100.0), np.array([390.0, 410.0, 400.0, 400.0])], axis=1)
    assert natural_target(anchor, SIZE_PX, SIZE_PX) == (CENTRE_PX[0], 400.0)
    assert natural_target(anchor, SIZE_PX, (1000, 500))[1] == pytest.approx(300.0)
    assert natural_target(anchor, SIZE_PX, (1000, 200))[1] == pytest.approx(99.5)


def test_a_head_is_as_large_as_its_distance_from_the_shoulders_says() -> None:
    xy = np.full((1, 33, 2), 100.0)
    xy[0, 11:13] = [100.0, 160.0]
    head = head_boxes(xy, np.ones((1, 33)))[0]
    assert head == pytest.approx([61, 61, 139, 139])
    assert np.isnan(head_boxes(xy, np.zeros((1, 33)))).all()


def test_legs_below_the_picture_are_cut_by_its_lower_edge() -> None:
    xy = np.full((2, 33, 2), 300.0)
    xy[1, 27:29, 1] = 700.0
    flags = cut_edges(xy, boxes(280, 100, 320, 150, frames=2), SIZE_PX)
    assert flags.tolist() == [[False] * 4, [False, False, False, True]]


def test_a_head_pushed_out_at_the_top_counts_and_one_that_the_source_cuts_does_not() -> None:
    heads = np.array([[480, 20, 520, 80], [480, -40, 520, 20]], np.float64)
    up, still = affine.translation(np.tile([0.0, -60.0], (2, 1))), affine.translation(np.zeros((2, 2)))
    assert head_cut(heads, up, SIZE_PX, SIZE_PX) == 1.0
    assert head_cut(heads, still, SIZE_PX, SIZE_PX) == 0.0
