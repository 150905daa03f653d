"""What the models miss of a drawn walker comes back by the clean plate; what is no part of the walker does not."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.demo.walker import Walk, draw_people, subject_gait
from tasks.demo.walker_body import Outfit
from tasks.maths.arrays import Bytes, Flags
from tasks.maths.body.landmarks import LEFT_ANKLE, LEFT_KNEE, RIGHT_ANKLE, RIGHT_KNEE
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.matting.missed_parts import sparse_planes
from tasks.media.matting.person_matte import MatteMaker, Shown
from tasks.media.planes.layout import PixelLayout, Planes, nearest_layout
from tasks.media.planes.region import Region, planes_over
from tasks.media.scene.clean_part import CleanPart
from tests.tasks.media.matting.test_matte import RATE_HZ

WALK = Walk(size_px=(480, 270), seconds=1.5, fps=Fraction(2), follow=0, shake_px=0, speed=0.4)
LAYOUT = nearest_layout("yuv420p")


@dataclass(frozen=True)
class Drawn:
    """A walker before a street, and the street alone: RGB (h, w, 3)."""

    rgb: Bytes
    street: Bytes
    body: Bytes  # (h, w) the walker's mask, * 255
    leg: Flags  # (h, w) the lower part of the leg behind

    @property
    def body_box(self) -> tuple[int, int, int, int]:
        """x, y, width, height of the walker."""
        x, y, across, down = cv2.boundingRect((self.body > 127).view(np.uint8))
        return x, y, across, down


@cache
def drawn() -> Drawn:
    frames = list(draw_people(WALK, [(subject_gait(WALK), Outfit(trousers=(70, 70, 150)))]))
    (rgb, body, joints), (later, _, _) = frames[0], frames[-1]
    rows, columns = np.indices(body.shape)
    street = np.where((columns < columns.max() / 2)[..., None], later, rgb)
    knee = LEFT_KNEE if joints[LEFT_ANKLE, 0] < joints[RIGHT_ANKLE, 0] else RIGHT_KNEE
    behind = columns < (joints[LEFT_ANKLE, 0] + joints[RIGHT_ANKLE, 0]) / 2
    return Drawn(rgb, street, body, (body > 127) & behind & (rows > joints[knee, 1]))


def planes_of(rgb: Bytes, layout: PixelLayout = LAYOUT) -> Planes:
    """RGB (h, w, 3) in a layout; YUV has the limited range."""
    high, wide = rgb.shape[:2]
    if layout.is_rgb:
        red, green, blue = cv2.split(rgb)
        return green, blue, red
    flat = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    chroma = flat[high:].reshape(2, high // 2, wide // 2)[: layout.planes - 1]
    fine = [cv2.resize(plane, layout.plane_wh(1, (wide, high)), interpolation=cv2.INTER_NEAREST) for plane in chroma]
    return tuple(plane.astype(layout.dtype) << (layout.depth - 8) for plane in (flat[:high], *fine))


def opacity(
    rgb: Bytes,
    street: Bytes,
    mask: Bytes,
    layout: PixelLayout = LAYOUT,
    *,
    looks: bool = True,
    unseen: Flags | None = None,
) -> NDArray[np.float64]:
    """How far (h, w), 0..1, each pixel is the walker's, whom a ``mask`` (h, w) shows before a known street.

    Missed parts are looked for if it ``looks``. No frame saw the street where it is ``unseen`` (h, w).
    """
    high, wide = mask.shape
    plate = planes_of(street, layout)

    def clean(box: Region, step_px: int = 1) -> CleanPart | None:
        if step_px > 1 and not looks:
            return None
        seen = np.ones(mask.shape, np.bool_) if unseen is None else ~unseen
        few = seen[box.y0 : box.y1 : step_px, box.x0 : box.x1 : step_px]
        return CleanPart(box, sparse_planes(planes_over(plate, box, layout), layout, step_px), few)

    edges = np.array([-0.5, -0.5, wide - 0.5, high - 0.5], np.float32)
    shown = Shown(planes_of(rgb, layout), Mask(mask, edges, MaskState.measured), np.zeros(2), clean)
    (matte,) = MatteMaker(layout, RATE_HZ, refine=False).of_all([shown])
    assert matte is not None
    whole = np.zeros(mask.shape)
    whole[matte.box.y0 : matte.box.y1, matte.box.x0 : matte.box.x1] = matte.opacity / 255
    return whole


def lacking(mask: Bytes, part: Flags) -> Bytes:
    return np.where(cv2.dilate(part.view(np.uint8), np.ones((5, 5), np.uint8)) > 0, 0, mask).astype(np.uint8)


def mirrored(rgb: Bytes, street: Bytes, mask: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    return (
        np.ascontiguousarray(rgb[:, ::-1]),
        np.ascontiguousarray(street[:, ::-1]),
        np.ascontiguousarray(mask[:, ::-1]),
    )


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "gbrp"])
def test_a_leg_that_the_mask_misses_comes_back(name: str) -> None:
    walker = drawn()
    shown = opacity(walker.rgb, walker.street, lacking(walker.body, walker.leg), nearest_layout(name))
    assert shown[walker.leg].mean() > 0.85
    assert np.abs(shown - walker.body / 255).sum() < 0.08 * (walker.body / 255).sum()


def test_a_leg_on_the_other_side_comes_back_too() -> None:
    walker = drawn()
    shown = opacity(*mirrored(walker.rgb, walker.street, lacking(walker.body, walker.leg)))
    assert shown[:, ::-1][walker.leg].mean() > 0.85


def test_without_colours_nothing_is_looked_for() -> None:
    walker, gray = drawn(), nearest_layout("gray")
    pictures = (walker.rgb, walker.street, lacking(walker.body, walker.leg), gray)
    np.testing.assert_array_equal(opacity(*pictures), opacity(*pictures, looks=False))


@pytest.mark.parametrize("turned", [False, True])
def test_an_arm_comes_back_and_what_goes_on_beyond_the_part_that_is_compared_does_not(turned: bool) -> None:
    walker = drawn()
    x, y, across, down = walker.body_box
    row = y + down // 3
    edge = int(np.flatnonzero((walker.body[row : row + 6] > 127).any(axis=0))[-1])

    def shown_with(end: int) -> NDArray[np.float64]:
        """The opacity of a bar from the walker's chest to the column ``end``."""
        rgb, bar = walker.rgb.copy(), np.s_[row : row + 6, edge - 4 : end]
        rgb[bar] = np.where((walker.body[bar] > 0)[..., None], rgb[bar], np.array([190, 40, 40], np.uint8))
        pictures = (rgb, walker.street, walker.body)
        whole = opacity(*mirrored(*pictures))[:, ::-1] if turned else opacity(*pictures)
        return whole[bar][2:-2, 16:-2]

    assert shown_with(edge + round(0.2 * down)).mean() > 0.85
    assert shown_with(x + across + round(0.5 * down)).max() < 0.5


@pytest.mark.parametrize(("high", "shows"), [(30, True), (44, False)])
def test_what_is_held_comes_back_unless_it_is_a_third_as_large_as_the_walker(high: int, shows: bool) -> None:
    walker = drawn()
    row = walker.body_box[1] + walker.body_box[3] // 3
    edge = int(np.flatnonzero((walker.body[row : row + high] > 127).any(axis=0))[-1])
    rgb, board = walker.rgb.copy(), np.s_[row : row + high, edge - 4 : edge + 28]
    rgb[board] = np.where((walker.body[board] > 0)[..., None], rgb[board], np.array([190, 40, 40], np.uint8))
    share = opacity(rgb, walker.street, walker.body)[board][4:-4, 8:-4]
    assert share.min() > 0.95 if shows else share.max() < 0.5


@pytest.mark.parametrize("core_dark", [0.0, 0.95])
def test_a_shadow_that_moves_with_the_walker_stays_away_and_so_does_its_darkest_part(core_dark: float) -> None:
    walker = drawn()
    shaded, ground = walker.rgb.copy(), np.zeros(walker.body.shape, np.uint8)
    x, y, across, down = walker.body_box
    cv2.ellipse(ground, (x + across, y + down), (round(0.8 * across), round(0.08 * down)), 0, 0, 360, 255, -1)
    share = cv2.GaussianBlur(ground, (0, 0), 2)[..., None] / 255 * 0.5
    core = cv2.ellipse(np.zeros_like(ground), (x + across + 10, y + down - 2), (20, 5), 0, 0, 360, 255, -1)
    share = np.maximum(share, cv2.GaussianBlur(core, (0, 0), 1)[..., None] / 255 * core_dark)
    shaded = np.where((walker.body > 0)[..., None], walker.rgb, np.rint(walker.rgb * (1 - share))).astype(np.uint8)
    shown = opacity(shaded, walker.street, walker.body)
    assert np.abs(shown - opacity(walker.rgb, walker.street, walker.body)).sum() < 0.02 * (walker.body > 0).sum()


def test_a_shadow_that_only_the_plate_has_stays_away() -> None:
    walker = drawn()
    x, y, across, down = walker.body_box
    street = walker.street.copy()
    part = street[y + round(0.8 * down) : y + round(1.1 * down), x : x + 2 * across]
    part[...] = np.rint(part * 0.5)
    shown = opacity(walker.rgb, street, walker.body)
    assert np.abs(shown - walker.body / 255).sum() < 0.1 * (walker.body / 255).sum()


def test_something_that_only_the_plate_shows_stays_away() -> None:
    """A shoe that a plate was left with: the picture shows the street there."""
    walker = drawn()
    street = walker.street.copy()
    rows, columns = np.nonzero(walker.leg)
    at = (int(columns.min()) - 14, int(rows.max()) - 8)
    cv2.circle(street, at, 9, (230, 240, 160), -1)
    shown = opacity(walker.rgb, street, walker.body)
    assert shown[at[1] - 8 : at[1] + 9, at[0] - 8 : at[0] + 8].max() < 0.5


def test_somebody_who_comes_in_beside_the_walker_stays_away() -> None:
    """As much as a person differs beside the walker, and touches."""
    walker = drawn()
    rgb = walker.rgb.copy()
    x, y, across, down = walker.body_box
    person = np.s_[y + 10 : y + down, x + across - 4 : x + across + 40]
    rgb[person] = np.where((walker.body[person] > 0)[..., None], rgb[person], np.array([190, 40, 40], np.uint8))
    shown = opacity(rgb, walker.street, walker.body)
    assert shown[person][:, 12:].max() < 0.5


def test_what_differs_apart_from_the_walker_stays_away_though_a_leg_comes_back() -> None:
    walker = drawn()
    rgb = walker.rgb.copy()
    x, y, across, _ = walker.body_box
    ball = np.s_[y : y + 20, x + across : x + across + 20]
    rgb[ball] = (190, 40, 40)
    shown = opacity(rgb, walker.street, lacking(walker.body, walker.leg))
    assert shown[walker.leg].mean() > 0.85
    assert shown[ball].max() < 0.5


def test_a_foot_that_lies_apart_in_the_mask_is_joined_where_no_frame_saw_the_street() -> None:
    walker = drawn()
    rows = np.flatnonzero(walker.leg.any(axis=1))
    gap = np.zeros(walker.leg.shape, np.bool_)
    gap[rows[0] + 8 : rows[0] + 16] = True
    gap &= cv2.dilate(walker.leg.view(np.uint8), np.ones((9, 9), np.uint8)) > 0
    guessed = np.where(gap[..., None], walker.rgb, walker.street)  # so that the picture tells nothing there
    pictures = (walker.rgb, guessed, np.where(gap, 0, walker.body).astype(np.uint8))
    shown, alone = (np.where(gap, opacity(*pictures, looks=looks, unseen=gap), 0) for looks in (True, False))
    assert shown[rows[0] + 10 : rows[0] + 16].max(axis=1).min() > 0.95
    assert alone.max() < 0.5


@pytest.mark.parametrize("what", ["noise", "a bus"])
def test_where_much_of_the_street_differs_nothing_is_looked_for(what: str) -> None:
    walker = drawn()
    street = walker.street.copy()
    if what == "noise":
        street += np.uint8(11)
    else:
        street[20:160, 20:110] = (190, 40, 40)
    pictures = (walker.rgb, street, lacking(walker.body, walker.leg))
    np.testing.assert_array_equal(opacity(*pictures), opacity(*pictures, looks=False))


def test_where_nothing_is_missed_the_result_is_the_same() -> None:
    walker = drawn()
    pictures = (walker.rgb, walker.street, walker.body)
    shown = opacity(*pictures)
    np.testing.assert_array_equal(shown, opacity(*pictures, looks=False))
    assert np.abs(shown - walker.body / 255).sum() < 0.07 * (walker.body / 255).sum()


def clip_opacity(rgb: Bytes, street: Bytes, mask: Bytes, unseen: list[Flags]) -> list[NDArray[np.float64]]:
    """How far (h, w) a pixel is the walker's in frames that are alike, but that the street is ``unseen`` elsewhere."""
    plate, edges = planes_of(street), np.array([-0.5, -0.5, mask.shape[1] - 0.5, mask.shape[0] - 0.5], np.float32)

    def shown(hidden: Flags) -> Shown:
        def clean(box: Region, step_px: int = 1) -> CleanPart | None:
            few = ~hidden[box.y0 : box.y1 : step_px, box.x0 : box.x1 : step_px]
            return CleanPart(box, sparse_planes(planes_over(plate, box, LAYOUT), LAYOUT, step_px), few)

        return Shown(planes_of(rgb), Mask(mask, edges, MaskState.measured), np.zeros(2), clean)

    whole = []
    for matte in MatteMaker(LAYOUT, RATE_HZ, refine=False).of_all([shown(hidden) for hidden in unseen]):
        assert matte is not None
        whole.append(np.zeros(mask.shape))
        whole[-1][matte.box.y0 : matte.box.y1, matte.box.x0 : matte.box.x1] = matte.opacity / 255
    return whole


def bright_leg() -> tuple[Bytes, Bytes, Bytes, Flags]:
    """The walker before a dark street, with a bright lower leg that the mask lacks; and the inside of that leg."""
    walker = drawn()
    street = np.full_like(walker.street, 60)
    rgb = np.where((walker.body > 127)[..., None], walker.rgb, street)
    rgb[walker.leg] = (220, 235, 170)
    inside = cv2.erode(walker.leg.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return rgb, street, lacking(walker.body, walker.leg), inside


def test_a_leg_goes_on_where_no_other_frame_saw_the_street() -> None:
    rgb, street, mask, leg = bright_leg()
    rows = np.flatnonzero(leg.any(axis=1))
    unseen = np.zeros(mask.shape, np.bool_)
    unseen[(rows[0] + rows[-1]) // 2 :] = True
    (shown,) = clip_opacity(rgb, street, mask, [unseen])
    assert shown[leg & unseen].min() > 0.9


def test_what_has_another_colour_than_the_leg_beside_it_stays_away_where_no_other_frame_saw_the_street() -> None:
    rgb, street, mask, leg = bright_leg()
    rows, columns = np.nonzero(leg)
    unseen = np.zeros(mask.shape, np.bool_)
    paper = np.s_[rows.max() - 10 : rows.max(), columns.min() - 24 : columns.min() - 3]
    unseen[paper] = True
    rgb[paper] = (150, 170, 250)
    (shown,) = clip_opacity(rgb, street, mask, [unseen])
    assert shown[paper].max() < 0.5
    assert shown[leg].min() > 0.9


def test_a_leg_that_the_frame_before_showed_stays_where_no_other_frame_saw_the_street() -> None:
    rgb, street, mask, leg = bright_leg()
    seen, unseen = np.zeros((2, *mask.shape), np.bool_)
    unseen[cv2.dilate(leg.view(np.uint8), np.ones((15, 15), np.uint8)) > 0] = True
    first, second = clip_opacity(rgb, street, mask, [seen, unseen])
    assert first[leg].min() > 0.9
    assert second[leg].min() > 0.9
    (alone,) = clip_opacity(rgb, street, mask, [unseen])
    assert alone[leg].mean() < 0.5
