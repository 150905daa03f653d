"""Which masks are usable, and what fills the others."""

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.person_box import PersonBoxes
from tasks.media.files.masks_file import MaskState
from tasks.media.matting.fill_masks import fill_failed_masks

WH = (8, 6)


def shown(level: float) -> NDArray[np.float32]:
    return np.full((6, 8), level, np.float32)


def filled(
    masks: list[NDArray[np.float32] | None], person: list[bool], posed: list[bool] | None = None, held: bool = False
) -> list[tuple[int, MaskState]]:
    """Level and state of each mask. The torso is in the middle of every box, or unknown where ``held``."""
    edges = np.tile([0.0, 0, 80, 60], (len(masks), 1)) + np.arange(len(masks))[:, None]
    torso = np.full((len(masks), 2), np.nan) if held else (edges[:, :2] + edges[:, 2:]) / 2
    boxes = PersonBoxes(np.asarray(edges, np.float64), np.array(person), torso)
    out = list(fill_failed_masks(iter(masks), boxes, np.array(posed or [True] * len(masks)), WH, 3))
    assert np.array_equal([mask.edges_px for mask in out], edges.astype(np.float32)), "each keeps its own box"
    return [(int(mask.probability.max()), mask.state) for mask in out]


def test_good_masks_are_returned_as_bytes() -> None:
    assert filled([shown(1.0), shown(0.6)], [True, True]) == [(255, MaskState.measured), (153, MaskState.measured)]


def test_a_failed_mask_is_filled_with_the_nearest_good_one() -> None:
    masks = [None, shown(0.1), shown(0.8), None, shown(0.2), shown(1.0)]
    copied, measured = MaskState.copied, MaskState.measured
    levels = [(204, copied), (204, copied), (204, measured), (204, copied), (255, copied), (255, measured)]
    assert filled(masks, [True] * 6) == levels


def test_no_mask_is_copied_across_a_stretch_without_a_person() -> None:
    masks = [shown(0.8), None, shown(0.1), None, None, shown(1.0)]
    person = [True, True, False, False, True, True]
    nobody, copied, measured = MaskState.nobody, MaskState.copied, MaskState.measured
    levels = [(204, measured), (204, copied), (26, nobody), (0, nobody), (255, copied), (255, measured)]
    assert filled(masks, person) == levels
    assert filled([None, None], [True, True]) == [(0, nobody), (0, nobody)]


def test_a_mask_elsewhere_in_the_box_is_not_the_person() -> None:
    elsewhere = shown(0.0)
    elsewhere[0, 0] = 1.0
    assert [state for _, state in filled([shown(1.0), elsewhere], [True, True])] == [
        MaskState.measured,
        MaskState.copied,
    ]


def block(columns: slice, level: float = 1.0) -> NDArray[np.float32]:
    """A person in the given columns, the torso among them."""
    mask = np.zeros((6, 8), np.float32)
    mask[:, columns] = level
    return mask


def test_without_a_pose_only_masks_that_overlap_their_neighbour_are_used() -> None:
    body, tree = block(slice(1, 5)), block(slice(4, 8))
    measured, nobody = MaskState.measured, MaskState.nobody
    fading: list[NDArray[np.float32] | None] = [body, block(slice(1, 5), 0.9), tree, block(slice(1, 6), 0.8)]
    posed = [True, False, False, False]
    states = [(255, measured), (230, measured), (0, nobody), (204, measured)]
    assert filled(fading, [True] * 4, posed, held=True) == states
    assert filled(fading[::-1], [True] * 4, posed[::-1], held=True) == states[::-1]


def test_between_two_poses_a_mask_is_cut_to_the_surroundings_of_the_body() -> None:
    far = np.zeros((60, 80), np.float32)
    body = far.copy()
    body[10:50, 30:50] = 1
    both = body.copy()
    both[:, 70:] = 1
    edges = np.tile([0.0, 0, 80, 60], (3, 1))
    boxes = PersonBoxes(edges, np.ones(3, bool), np.full((3, 2), [40.0, 30.0]))
    masks = list(fill_failed_masks([body, both, body], boxes, np.array([True, False, True]), (80, 60), 3))
    assert [mask.state for mask in masks] == [MaskState.measured] * 3
    assert masks[1].probability[30, 40] == 255 and masks[1].probability[:, 70:].max() == 0


def test_between_two_poses_a_mask_of_something_else_is_replaced() -> None:
    body, tree = block(slice(2, 6)), block(slice(4, 5))
    states = [state for _, state in filled([body, tree, body], [True] * 3, [True, False, True])]
    assert states == [MaskState.measured, MaskState.copied, MaskState.measured]


def test_a_mask_is_not_copied_over_many_frames_in_which_no_pose_is_seen() -> None:
    body, measured, copied, nobody = block(slice(2, 6)), MaskState.measured, MaskState.copied, MaskState.nobody
    for missing, state in ((3, copied), (4, nobody)):
        masks: list[NDArray[np.float32] | None] = [body, *[None] * missing, body]
        posed = [True, *[False] * missing, True]
        assert [now for _, now in filled(masks, [True] * len(masks), posed)] == [measured, *[state] * missing, measured]
        assert [now for _, now in filled(masks, [True] * len(masks))] == [measured, *[copied] * missing, measured]
