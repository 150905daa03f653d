"""Who is behind whom, and what is covered in the picture while each is looked at."""

import pytest

from tasks.maths.tracking.passing import (
    CLEAR_HEIGHTS,
    GUESSED_HEIGHTS,
    NEAR_HEIGHTS,
    UNHIDDEN_HEIGHTS,
    Course,
    Cover,
    Passings,
    clear_edges,
    clear_share,
    cross,
    is_apart,
    is_expected,
    is_own_body,
    is_same_shape,
    is_straight,
    leg_boxes,
)
from tasks.maths.tracking.squares import body_height_px
from tests.support.drawn.bodies import figure

HEIGHT_PX = body_height_px(figure((0, 0)))
APART = NEAR_HEIGHTS + 0.1


def met(apart: float, lower: float = 0.1, times: float = 1.0) -> dict[int, list[Cover]]:
    """Covers of two people at a distance of ``apart`` heights who were apart before; the second stands lower."""
    passings = Passings()
    for distance in (APART * times, apart):
        first = figure((500, 300))
        second = figure((500 + distance * HEIGHT_PX, 300 + lower * HEIGHT_PX), 100 * times)
        covers = passings.covers({1: first, 2: second})
    return covers


def test_nothing_is_covered_for_people_who_are_apart() -> None:
    assert met(APART) == {}


def test_nothing_is_covered_for_people_who_are_first_seen_side_by_side() -> None:
    both = {1: figure((500, 300)), 2: figure((530, 320))}
    passings = Passings()
    assert passings.covers(both) == {} == passings.covers(both)


def test_nothing_is_covered_for_people_above_one_another() -> None:
    assert met(0.05, lower=1.5) == {}


def test_who_is_lost_and_found_again_beside_somebody_is_not_covered() -> None:
    """Whether it is the same person is not known."""
    passings, own = Passings(), figure((500, 300))
    far, near = figure((500 + APART * HEIGHT_PX, 320)), figure((520, 320))
    passings.covers({1: own, 2: far})
    assert passings.covers({1: own, 2: near}).keys() == {1}
    assert passings.covers({1: own}) == {}
    assert passings.covers({1: own, 2: near}) == {} == passings.covers({1: own, 3: near})


@pytest.mark.parametrize(("down", "mine"), [(0.04, True), (0.2, False)])
def test_hips_that_are_about_as_high_as_expected_are_told_by_their_place_across(down: float, mine: bool) -> None:
    """The other one is 0.06 heights away across the picture, and a little lower."""
    other = figure((500 + 0.06 * HEIGHT_PX, 300 + 0.05 * HEIGHT_PX))
    found = figure((500 + 0.01 * HEIGHT_PX, 300 + down * HEIGHT_PX))
    assert is_expected(found, figure((500, 300)), [other]) is mine
    assert not is_expected(other, figure((500, 300)), [other])


def test_the_one_in_front_is_covered_up_to_the_middle_for_the_one_behind() -> None:
    ((cover,),) = met(0.08).values()
    assert list(met(0.08)) == [1] and cover.other == 2
    assert cover.box_px[0] == pytest.approx(500 + 0.04 * HEIGHT_PX) and cover.box_px[2] > 500 + 0.08 * HEIGHT_PX


def test_of_the_one_behind_the_far_side_is_covered_where_both_are_seen() -> None:
    apart = UNHIDDEN_HEIGHTS + 0.05
    covers = met(apart)
    assert covers.keys() == {1, 2}
    line_x = covers[2][0].box_px[2]
    assert 500 < line_x < 500 + 0.5 * apart * HEIGHT_PX  # more than half of the way is left to the one in front


def test_who_was_not_seen_is_not_covered_for_the_one_in_front() -> None:
    """That one is only expected there, and may be behind the one in front."""
    passings, first, lower = Passings(), figure((500, 300)), 300 + 0.1 * HEIGHT_PX
    for heights, unseen, covered in ((APART, [], set()), (0.2, [], {1, 2}), (0.2, [1], {1}), (0.2, [2], {1, 2})):
        people = {1: first, 2: figure((500 + heights * HEIGHT_PX, lower))}
        assert passings.covers(people, unseen).keys() == covered


def test_a_taller_one_has_more_of_the_way() -> None:
    ((cover,),) = met(0.1, times=2.0).values()
    assert cover.box_px[0] == pytest.approx(500 + 0.1 * HEIGHT_PX / 3)


def test_both_are_behind_where_their_feet_do_not_tell() -> None:
    assert met(0.08, lower=0.0).keys() == {1, 2}


def test_who_is_behind_is_not_decided_again_while_two_are_near() -> None:
    passings = Passings()
    far, low, high = figure((500 + APART * HEIGHT_PX, 320)), figure((520, 320)), figure((520, 280))
    for other in (far, low, high):
        covers = passings.covers({1: figure((500, 300)), 2: other})
    assert list(covers) == [1]
    passings.covers({1: figure((500, 300)), 2: far})
    assert list(passings.covers({1: figure((500, 300)), 2: high})) == [2]


def test_a_body_is_the_expected_one_if_it_is_far_nearer_to_it() -> None:
    own, other = figure((500, 300)), figure((530, 300))
    assert is_expected(figure((505, 300)), own, [other]) and is_expected(figure((900, 300)), own, [])
    assert not is_expected(figure((512, 300)), own, [other])


def test_a_fresh_look_tells_two_apart_from_a_twentieth_of_the_height_on() -> None:
    def beside(heights: float, lower: float) -> bool:
        return is_apart(figure((500, 300)), [figure((500 + heights * HEIGHT_PX, 300 + lower * HEIGHT_PX))])

    assert beside(0.06, 0) and beside(-0.06, 0.1) and is_apart(figure((500, 300)), [])
    assert not beside(0.04, 0) and not beside(0.04, 0.1), "the lower one of two stands in front"


def test_hips_beside_what_is_covered_are_guessed() -> None:
    def share(heights: float) -> float:
        return clear_share(figure((500, 300)), [Cover(2, (500 + heights * HEIGHT_PX, 0, 900, 900))])

    assert share(0) == share(GUESSED_HEIGHTS) == 0 and share(CLEAR_HEIGHTS) == 1
    assert share((GUESSED_HEIGHTS + CLEAR_HEIGHTS) / 2) == pytest.approx(0.5)


def test_what_is_clear_lies_on_the_own_side_of_each_cover() -> None:
    own = figure((500, 300))
    edges = clear_edges(own, [Cover(2, (540, 0, 700, 400)), Cover(3, (200, 0, 450, 400))], (1280, 720))
    assert edges.tolist() == [450, -0.5, 540, 719.5]
    assert clear_edges(own, [], (1280, 720)).tolist() == [-0.5, -0.5, 1279.5, 719.5]


RIGHT, LEFT = (Course(way * 0.6 * HEIGHT_PX, straight=True) for way in (1, -1))


@pytest.mark.parametrize(
    ("front", "crosses"),
    [
        (LEFT, True),
        (LEFT._replace(straight=False), False),  # he turns, or was not seen
        (Course(-0.1 * HEIGHT_PX, straight=True), True),
        (Course(0.0, straight=True), False),
        (Course(1.5 * HEIGHT_PX, straight=True), False),  # he overtakes
    ],
)
def test_two_cross_where_they_walk_in_opposite_directions(front: Course, crosses: bool) -> None:
    assert cross(RIGHT, front, HEIGHT_PX) is crosses
    assert not cross(RIGHT._replace(speed_px_s=0.1 * HEIGHT_PX), Course(-0.1 * HEIGHT_PX, straight=True), HEIGHT_PX)


@pytest.mark.parametrize(("front", "covered"), [(LEFT, True), (RIGHT, False), (None, False)])
def test_legs_are_covered_for_the_one_behind_of_two_who_cross(front: Course | None, covered: bool) -> None:
    passings, first = Passings(), figure((500, 300))
    courses = {1: RIGHT, 2: front} if front else None
    for apart in (APART, UNHIDDEN_HEIGHTS + 0.05):
        second = figure((500 + apart * HEIGHT_PX, 300 + 0.1 * HEIGHT_PX))
        covers = passings.covers({1: first, 2: second}, courses=courses)
    assert bool(covers[1][0].legs_px) is covered and not covers[2][0].legs_px


def test_squares_along_the_legs_leave_no_gap() -> None:
    body = figure((500, 300), swing=0.4)
    boxes = leg_boxes(body)
    for ankle_x, ankle_y in body[[27, 28], :2]:
        for part in (0.0, 0.1, 0.5, 0.75, 1.0):  # of the way down from the knee, which is between the feet
            x, y = 500 + part * (ankle_x - 500), body[25, 1] + part * (ankle_y - body[25, 1])
            assert any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes)
    assert all(y1 > body[23, 1] for _, _, _, y1 in boxes)


@pytest.mark.parametrize(("across", "straight"), [(0.03, True), (0.08, False)])
def test_who_is_beside_the_straight_way_has_turned(across: float, straight: bool) -> None:
    assert is_straight(figure((500 + across * HEIGHT_PX, 340)), figure((500, 300))) is straight


def test_the_whole_body_tells_whose_it_is_where_the_hips_do_not() -> None:
    own, found = figure((500, 300), swing=0.5), figure((500 + 0.02 * HEIGHT_PX, 300), swing=0.5)
    assert is_own_body(found, own, [figure((500 + 0.06 * HEIGHT_PX, 300))])
    assert not is_own_body(found, own, [figure((500 + 0.02 * HEIGHT_PX, 300), swing=0.45)]) and not is_own_body(
        found, own, []
    )
    assert not is_own_body(figure((500 + 0.12 * HEIGHT_PX, 300)), own, [figure((900, 300))])


def test_the_shape_is_that_of_the_landmarks_wherever_the_hips_are() -> None:
    assert is_same_shape(figure((700, 200), swing=0.3), figure((500, 300)))
    assert not is_same_shape(figure((500, 300), 180), figure((500, 300)))
