"""The person's matte is steady over the frames of a clip, and each frame has its own."""

import numpy as np
import pytest

from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.matting.person_matte import MatteMaker, Shown, smooth_masks_in_time
from tasks.media.planes.layout import nearest_layout
from tasks.media.planes.region import Region
from tasks.media.scene.clean_part import CleanPart
from tests.tasks.media.matting.test_cutout import CENTRE, MODEL, SIZE, mask_of, picture, plate_of
from tests.tasks.media.matting.test_matte import RATE_HZ, centroid, disc


def test_masks_that_move_with_the_body_stay_nearly_unchanged() -> None:
    path = np.stack([np.linspace(40, 150, 9), np.linspace(60, 75, 9)], axis=1)
    masks = [mask_of((x, y), (-45 + 3 * (i % 2), -45), 90 + 4 * (i % 3)) for i, (x, y) in enumerate(path)]
    for mask, result in zip(masks, smooth_masks_in_time(iter(masks), path), strict=True):
        np.testing.assert_array_equal(result.edges_px, mask.edges_px)
        difference = np.abs(result.probability.astype(int) - mask.probability)
        assert difference.max() <= 45  # the edge ramp is one model pixel wide and is sampled between pixels
        assert centroid(result.probability.astype(np.float32)) == pytest.approx(
            centroid(mask.probability.astype(np.float32)), abs=0.02
        )


def test_a_frame_without_a_person_is_not_averaged_with_others() -> None:
    edges = np.array([-0.5, -0.5, 63.5, 63.5], np.float32)
    masks = [
        Mask(np.full(MODEL, level, np.uint8), edges, state)
        for level, state in ((200, MaskState.measured), (190, MaskState.nobody), (200, MaskState.copied))
    ]
    results = list(smooth_masks_in_time(iter(masks), np.zeros((3, 2))))
    for mask, result in zip(masks, results, strict=True):
        np.testing.assert_array_equal(result.probability, mask.probability)


def test_the_first_and_last_frames_have_one_neighbour() -> None:
    edges = np.array([-0.5, -0.5, 63.5, 63.5], np.float32)
    masks = [Mask(np.full(MODEL, level, np.uint8), edges, MaskState.measured) for level in (100, 120, 100)]
    levels = [int(result.probability[30, 30]) for result in smooth_masks_in_time(iter(masks), np.zeros((3, 2)))]
    assert levels == pytest.approx([110, 107, 110], abs=1)  # about the means of two, three and two values
    assert list(smooth_masks_in_time(iter([]), np.zeros((0, 2)))) == []


def test_what_one_frame_alone_shows_or_lacks_is_undone_where_the_plate_does_not_speak_for_it() -> None:
    """The person drifts; in the fourth frame the mask has a hole and a blob, and the ground there is unseen."""
    layout = nearest_layout("gray")
    path = [np.array([80.0 + 2 * frame, 80.0]) for frame in range(7)]
    shown = []
    for frame, (x, y) in enumerate(path):
        mask = mask_of((float(x), float(y)), (-60, -60), 120)
        if frame == 3:
            broken = mask.probability.copy()
            broken[26:38, 38:48] = 0
            broken[26:36, 4:12] = 255
            mask = mask._replace(probability=broken)
        shown.append(Shown(picture(layout, (float(x), float(y))), mask, path[frame], plate_of(layout, seen=False)))
    whole = []
    for frame, matte in enumerate(MatteMaker(layout, RATE_HZ, refine=False).of_all(shown)):
        assert matte is not None
        opacity = np.zeros(SIZE[::-1])
        opacity[matte.box.y0 : matte.box.y1, matte.box.x0 : matte.box.x1] = matte.opacity
        whole.append(np.roll(opacity, -2 * frame, axis=1))
    # The hole is 15 % of the person, the blob 10 %.
    assert np.abs(whole[3] - whole[2]).sum() < 0.05 * whole[2].sum()


def test_frames_without_a_person_keep_their_place_in_the_order() -> None:
    layout = nearest_layout("yuv420p")
    one = Shown(picture(layout, CENTRE), mask_of(CENTRE), np.array(CENTRE), plate_of(layout))
    found = list(MatteMaker(layout, RATE_HZ, refine=False).of_all([None, one, None, None, one, one]))
    assert [matte is None for matte in found] == [True, False, True, True, False, False]
    assert list(MatteMaker(layout, RATE_HZ, refine=False).of_all([])) == []


def test_the_mask_decides_in_an_unseen_part_as_where_nothing_was_seen() -> None:
    """It is worked on alone there, with the part around it that tells its edge."""
    layout = nearest_layout("yuv420p")
    mask = mask_of(CENTRE)._replace(probability=disc(MODEL, (31.5, 31.5), 26 * MODEL[0] / 90))
    seen = np.ones(SIZE[::-1], np.bool_)
    seen[:80, 100:] = False
    plate = plate_of(layout)

    def all_seen(box: Region, step_px: int = 1) -> CleanPart | None:
        return plate(box) if step_px == 1 else None  # what the mask misses is not looked for

    def partly_seen(box: Region, step_px: int = 1) -> CleanPart | None:
        clean = all_seen(box, step_px)
        if clean is None:
            return None
        return clean._replace(seen=seen[box.y0 : box.y1 : step_px, box.x0 : box.x1 : step_px])

    opacity = {}
    for name, clean in (("part", partly_seen), ("nothing", plate_of(layout, seen=False)), ("all", all_seen)):
        shown = Shown(picture(layout, CENTRE), mask, np.array(CENTRE), clean)
        (matte,) = MatteMaker(layout, RATE_HZ, refine=True).of_all([shown])
        assert matte is not None
        opacity[name] = np.zeros(SIZE[::-1], np.uint8)
        opacity[name][matte.box.y0 : matte.box.y1, matte.box.x0 : matte.box.x1] = matte.opacity
    np.testing.assert_array_equal(opacity["part"][:64, 116:], opacity["nothing"][:64, 116:])
    np.testing.assert_array_equal(opacity["part"][96:, :84], opacity["all"][96:, :84])
    assert (opacity["nothing"][:64, 116:] != opacity["all"][:64, 116:]).any()
