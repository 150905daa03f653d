"""Shots: cuts are found, and flashes, pans, fades of light and noise are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.tracking.shots import differs, number_shots, small_picture

Luma = NDArray[np.uint8]


@dataclass
class Picture:
    reduced_luma: Luma


def scene(seed: int, shift_px: int = 0, light: float = 1.0) -> Luma:
    """A patchwork of greys, 320x180, moved to the left."""
    patches = np.random.default_rng(seed).uniform(20, 200, (9, 40))
    wide = np.kron(patches, np.ones((20, 20)))
    return np.asarray(np.clip(light * wide[:, shift_px : shift_px + 320], 0, 255), np.uint8)


def shots_of(pictures: Sequence[Luma]) -> list[int]:
    return [shot for _, shot in number_shots(Picture(luma) for luma in pictures)]


def test_a_cut_begins_a_shot_and_every_frame_comes_once_and_in_order() -> None:
    pictures = [Picture(scene(1, k)) for k in range(8)] + [Picture(scene(2, k)) for k in range(8)]
    numbered = list(number_shots(pictures))
    assert [frame for frame, _ in numbered] == pictures
    assert [shot for _, shot in numbered] == [0] * 8 + [1] * 8


def test_a_shot_of_one_frame_at_the_end_is_a_shot() -> None:
    assert shots_of([scene(1)] * 5 + [scene(2)]) == [0] * 5 + [1]


def test_a_fast_pan_is_no_cut() -> None:
    assert shots_of([scene(1, 30 * k) for k in range(15)]) == [0] * 15


@pytest.mark.parametrize("frames", [1, 2])
def test_a_flash_is_no_cut(frames: int) -> None:
    flash = np.full((180, 320), 250, np.uint8)
    assert shots_of([scene(1)] * 5 + [flash] * frames + [scene(1, 2)] * 5) == [0] * (10 + frames)


def test_changing_light_and_noise_are_no_cut() -> None:
    noise = np.random.default_rng(3)
    lit = [scene(1, light=1 - 0.03 * k).astype(int) + noise.integers(-9, 9, (180, 320)) for k in range(20)]
    assert shots_of([np.clip(picture, 0, 255).astype(np.uint8) for picture in lit]) == [0] * 20


def test_black_between_two_scenes_is_a_shot_of_its_own_even_when_they_fade() -> None:
    fade = [scene(1, light=light) for light in np.linspace(1, 0, 20)]
    back = [scene(2, light=light) for light in np.linspace(0, 1, 20)]
    found = shots_of([*fade, *[scene(1, light=0)] * 5, *back])
    assert found[0] == found[15] == 0 and found[22] == 1 and found[30] == found[-1] == 2
    assert (
        shots_of([scene(1)] * 3 + [np.full((180, 320), 90, np.uint8)] * 6 + [scene(2)] * 3)
        == [0] * 3 + [1] * 6 + [2] * 3
    )


def test_a_picture_without_structure_is_one_shot() -> None:
    noise = np.random.default_rng(4)
    dim = [(90 + noise.normal(0, 3, (180, 320))).astype(np.uint8) for _ in range(12)]
    assert shots_of(dim) == [0] * 12


def restless(place: int, moment: int) -> Luma:
    """A scene of which half is new in each frame, as where a boxer fills the picture at 15 frames a second."""
    lasting, new = (np.random.default_rng(seed).uniform(20, 200, (18, 32)) for seed in (place, 1000 + moment))
    return np.asarray(np.kron((lasting + new) / 2, np.ones((10, 10))), np.uint8)


def test_a_scene_that_changes_much_from_frame_to_frame_is_one_shot() -> None:
    pictures = [restless(1, moment) for moment in range(12)]
    small = [small_picture(picture) for picture in pictures]
    assert all(differs(before, after) for before, after in pairwise(small))
    assert shots_of(pictures) == [0] * 12


def test_a_cut_between_two_restless_scenes_is_found() -> None:
    pictures = [restless(1 + moment // 6, moment) for moment in range(12)]
    assert shots_of(pictures) == [0] * 6 + [1] * 6


def test_a_cut_is_found_where_each_frame_comes_twice() -> None:
    doubled = [restless(1 + moment // 6, moment) for moment in range(12) for _ in range(2)]
    assert shots_of(doubled) == [0] * 12 + [1] * 12


def test_a_cut_through_one_blended_frame_is_found() -> None:
    blended = ((scene(1).astype(int) + scene(2)) // 2).astype(np.uint8)
    found = shots_of([scene(1, k) for k in range(6)] + [blended] + [scene(2, k) for k in range(6)])
    assert found[5] == 0 and found[7] >= 1 and len(set(found[7:])) == 1
