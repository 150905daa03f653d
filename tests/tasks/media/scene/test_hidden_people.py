from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.files.people_file import people_writer
from tasks.media.scene.hidden_people import hidden_people
from tasks.media.scene.people_mask import HIDES, MAY_HIDE, SHADED
from tests.support.drawn.bodies import figure

SIZE_PX, SMALL_PX = (1000, 500), (200, 100)
RATE_HZ = 10.0


def hidden(folder: Path, sightings: list[int], frames: int, step_px: float = 0.0) -> list[NDArray[np.uint8]]:
    """Masks of a clip in which one person, 100 px wide, is seen at ``sightings``, ``step_px`` farther every frame."""
    with people_writer(folder) as writer:
        for frame in range(frames):
            writer.frame(frame, frame / RATE_HZ, True, 0)
            if frame in sightings:
                x = 100 + step_px * frame
                edges_px = np.array([x, 100, x + 100, 300], np.float32)
                body = Mask(np.full((8, 8), 255, np.uint8), edges_px, MaskState.measured)
                writer.sighting(frame, frame / RATE_HZ, 1, figure((x + 50, 200.0)), body)
    files = folder / "people.parquet", folder / "bodies.npz"
    return list(hidden_people(*files, frames, RATE_HZ, SIZE_PX, SMALL_PX))


def middle(mask: NDArray[np.uint8]) -> float:
    """The middle column of what is hidden, in source pixels."""
    columns = np.flatnonzero(mask.any(axis=0))
    return float((columns[0] + columns[-1] + 1) / 2) * 5


def test_a_person_who_is_seen_is_hidden(tmp_path: Path) -> None:
    masks = hidden(tmp_path, [0, 1, 2], 3)
    assert all(mask[40, 30] == 255 for mask in masks)


def test_a_person_is_bridged_between_two_sightings_at_the_place_between(tmp_path: Path) -> None:
    masks = hidden(tmp_path, [0, 6], 7, step_px=40)
    assert abs(middle(masks[3]) - (150 + 120)) < 8


def test_a_person_is_expected_a_little_before_and_after(tmp_path: Path) -> None:
    masks = hidden(tmp_path, list(range(10, 15)), 40, step_px=20)
    assert [int(mask.any()) for mask in masks] == [0] * 5 + [1] * 15 + [0] * 20
    assert abs(middle(masks[17]) - (150 + 17 * 20)) < 8
    assert abs(middle(masks[7]) - (150 + 7 * 20)) < 8


def test_after_a_long_gap_nobody_is_made_up(tmp_path: Path) -> None:
    masks = hidden(tmp_path, [0, 30], 31)
    assert not masks[15].any()


def test_who_enters_at_an_edge_may_have_stood_there_before(tmp_path: Path) -> None:
    """Nobody may have stood where a person is found in the middle of the picture."""
    levels = []
    for name, start_px in (("edge", 0), ("middle", 300)):
        folder = tmp_path / name
        folder.mkdir()
        with people_writer(folder) as writer:
            for frame in range(90):
                writer.frame(frame, frame / RATE_HZ, True, 0)
                if frame >= 80:
                    x = start_px + 20 * (frame - 80)
                    edges_px = np.array([x, 100, x + 100, 300], np.float32)
                    body = Mask(np.full((8, 8), 255, np.uint8), edges_px, MaskState.measured)
                    writer.sighting(frame, frame / RATE_HZ, 1, figure((x + 50, 200.0)), body)
        files = folder / "people.parquet", folder / "bodies.npz"
        masks = list(hidden_people(*files, 90, RATE_HZ, SIZE_PX, SMALL_PX, shadows=True))
        levels.append([int(masks[frame][40, start_px // 5]) for frame in (10, 25, 60)])
    assert levels == [[0, SHADED, SHADED], [0, 0, 0]]


def corner_and_middle(folder: Path, x: float) -> tuple[int, int]:
    """What is hidden at the upper left corner and in the middle of the box of a person whose mask is a slanted line."""
    with people_writer(folder) as writer:
        writer.frame(0, 0.0, True, 0)
        body = Mask(
            np.eye(8, dtype=np.uint8)[::-1] * 255, np.array([x, 100, x + 100, 300], np.float32), MaskState.measured
        )
        writer.sighting(0, 0.0, 1, figure((x + 50, 200.0)), body)
    mask = next(hidden_people(folder / "people.parquet", folder / "bodies.npz", 1, RATE_HZ, SIZE_PX, SMALL_PX))
    column = round((x + 10) / SIZE_PX[0] * SMALL_PX[0])
    return int(mask[24, column]), int(mask[40, column + 8])


def test_a_person_whom_the_side_edge_cuts_hides_all_of_their_box(tmp_path: Path) -> None:
    """Their mask misses parts there, which the mirror would show."""
    inside, cut = tmp_path / "inside", tmp_path / "cut"
    inside.mkdir()
    cut.mkdir()
    assert corner_and_middle(inside, 400.0) == (0, 255)
    assert corner_and_middle(cut, 940.0) == (255, 255)


def test_a_foot_that_stands_is_hidden_while_its_person_crosses_the_edge(tmp_path: Path) -> None:
    masks = hidden(tmp_path, list(range(5)), 12, step_px=-20)  # last seen 20 px from the left edge
    assert masks[8][40, 24] == 255


def test_a_foot_that_the_mask_misses_is_hidden(tmp_path: Path) -> None:
    walker = figure((150, 200.0))
    walker[31, :2] = (260.0, 330.0)  # the left toes, far outside the mask of the body
    with people_writer(tmp_path) as writer:
        writer.frame(0, 0.0, True, 0)
        body = Mask(np.full((8, 8), 255, np.uint8), np.array([100, 100, 200, 300], np.float32), MaskState.measured)
        writer.sighting(0, 0.0, 1, walker, body)
    files = tmp_path / "people.parquet", tmp_path / "bodies.npz"
    (mask,) = hidden_people(*files, 1, RATE_HZ, SIZE_PX, SMALL_PX)
    assert mask[66, 52] == 255


def test_a_foot_that_one_mask_loses_may_be_where_its_neighbours_show_it(tmp_path: Path) -> None:
    """Moved as the hips move. Farther away in time nothing is told from them."""
    whole = np.full((8, 8), 255, np.uint8)
    lost = whole.copy()
    lost[:, 4:] = 0
    with people_writer(tmp_path) as writer:
        for frame, shown in enumerate((whole, whole, lost, lost, lost, lost, whole)):
            x = 100 + 40 * frame
            writer.frame(frame, frame / RATE_HZ, True, 0)
            body = Mask(shown, np.array([x, 100, x + 200, 300], np.float32), MaskState.measured)
            writer.sighting(frame, frame / RATE_HZ, 1, figure((x + 50, 200.0)), body)
    files = tmp_path / "people.parquet", tmp_path / "bodies.npz"
    masks = list(hidden_people(*files, 7, RATE_HZ, SIZE_PX, SMALL_PX, shadows=True))
    foot = [int(mask[40, (100 + 40 * frame + 180) // 5]) for frame, mask in enumerate(masks)]
    assert foot == [HIDES, HIDES, MAY_HIDE, 0, 0, MAY_HIDE, HIDES]
    plain = list(hidden_people(*files, 7, RATE_HZ, SIZE_PX, SMALL_PX))
    assert all(set(np.unique(mask)) <= {0, HIDES} for mask in plain)
