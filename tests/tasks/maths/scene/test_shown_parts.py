import numpy as np

from tasks.maths.path import affine
from tasks.maths.scene.shown_parts import Rect, shown_parts

BOX = Rect(-10, 0, 110, 50)


def test_an_output_inside_the_picture_shows_no_mirror() -> None:
    shown = shown_parts(BOX, affine.translation(np.array([-20.0, -10.0])), (40, 20))
    assert shown.mirrored == ()
    assert shown.whole.x0 < 20
    assert shown.whole.x1 > 59


def test_what_lies_beyond_an_edge_is_the_mirror_of_what_lies_inside_it() -> None:
    shown = shown_parts(BOX, affine.translation(np.array([40.0, -10.0])), (100, 30))
    left = [part for part in shown.mirrored if part.x0 == -10]
    assert len(left) == 1
    assert 20 <= left[0].x1 <= 30


def test_a_person_away_from_the_mirrored_edge_is_not_met() -> None:
    shown = shown_parts(BOX, affine.translation(np.array([30.0, 0.0])), (100, 40))
    person = Rect(60, 10, 80, 35)
    assert not any(person.meets(part) for part in shown.mirrored if part.x1 < 60)


def test_a_far_shift_mirrors_the_whole_picture() -> None:
    shown = shown_parts(BOX, affine.translation(np.array([500.0, 0.0])), (100, 40))
    assert shown.whole.x0 == -10
    assert shown.whole.x1 == 110
