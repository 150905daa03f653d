"""Masks become alpha: in the right place, without lag, between 0 and 1."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.matting.matte import (
    average_with_neighbours,
    harden_mask,
    mask_region,
    mask_to_alpha,
    refine_edge,
    warp_mask,
)
from tasks.media.planes.chroma import sample_at_chroma
from tasks.media.planes.crop import box_to_source
from tasks.media.planes.region import Region
from tasks.media.planes.warp import source_coverage

STILL = np.array([[1.0, 0, 0], [0, 1.0, 0]])
RATE_HZ = 30.0


def disc(size_px: tuple[int, int], centre_xy: tuple[float, float], radius_px: float) -> NDArray[np.uint8]:
    y, x = np.mgrid[: size_px[1], : size_px[0]]
    distance = np.hypot(x - centre_xy[0], y - centre_xy[1])
    return np.asarray(np.rint(255 * np.clip(radius_px - distance + 0.5, 0, 1)), np.uint8)


def centroid(weights: NDArray[np.float32]) -> tuple[float, float]:
    y, x = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return float((weights * x).sum() / weights.sum()), float((weights * y).sum() / weights.sum())


def test_a_box_of_the_whole_picture_at_model_size_is_the_identity() -> None:
    np.testing.assert_allclose(box_to_source(np.array([-0.5, -0.5, 63.5, 47.5]), (64, 48)), STILL)


def test_the_centre_of_a_mask_maps_to_the_centre_of_its_box() -> None:
    matrix = box_to_source(np.array([100.0, 40.0, 300.0, 440.0]), (256, 128))
    np.testing.assert_allclose(matrix @ [127.5, 63.5, 1], [200, 240])


def test_the_average_of_equal_masks_is_the_same_mask() -> None:
    mask = disc((64, 64), (30, 33), 12)
    np.testing.assert_array_equal(average_with_neighbours(mask, [(mask, STILL), (mask, STILL)]), mask)
    np.testing.assert_array_equal(average_with_neighbours(mask, []), mask)


def test_what_only_a_neighbour_shows_counts_too_and_where_none_shows_anything_is_nothing() -> None:
    mask, aside = disc((64, 64), (20, 30), 6), np.array([[1.0, 0, 30], [0, 1.0, 0]])
    result = average_with_neighbours(mask, [(mask // 4, aside)])
    assert 0 < result[30, 50] < 40 and result[30, 20] == 255
    assert not result[:20].any() and not result[:, 60:].any()
    nothing = np.zeros_like(mask)
    np.testing.assert_array_equal(average_with_neighbours(nothing, [(nothing, STILL)]), nothing)


def test_flicker_is_averaged_away() -> None:
    flat = np.full((32, 32), 120, np.uint8)
    bright = np.full((32, 32), 150, np.uint8)
    assert np.abs(average_with_neighbours(bright, [(flat, STILL), (flat, STILL)]).astype(int) - 120).max() <= 13


def test_a_moving_arm_is_not_smeared_and_does_not_lag() -> None:
    before, now, after = (disc((96, 48), (x, 24), 8) for x in (30, 48, 66))
    result = average_with_neighbours(now, [(before, STILL), (after, STILL)])
    assert (result[now == 255] == 255).all()
    elsewhere = (before > 0) | (after > 0)
    assert (mask_to_alpha(harden_mask(result))[elsewhere] == mask_to_alpha(harden_mask(now))[elsewhere]).all()
    assert centroid(result.astype(np.float32)) == pytest.approx((48, 24), abs=0.01)


def test_past_and_future_have_equal_weight() -> None:
    draw = np.random.default_rng(3)
    before, now, after = draw.integers(0, 256, (3, 32, 32)).astype(np.uint8)
    forward = average_with_neighbours(now, [(before, STILL), (after, STILL)])
    backward = average_with_neighbours(now, [(after, STILL), (before, STILL)])
    assert np.abs(forward.astype(int) - backward).max() <= 1  # another order of summation may round differently


def test_a_neighbour_changes_nothing_outside_its_own_area() -> None:
    mask = np.full((32, 32), 200, np.uint8)
    aside = np.array([[1.0, 0, 16], [0, 1.0, 0]])
    result = average_with_neighbours(mask, [(np.full((32, 32), 190, np.uint8), aside)])
    assert (result[:, :16] == 200).all()
    assert (result[:, 16:] < 200).all()


def test_alpha_runs_from_0_to_1() -> None:
    assert not mask_to_alpha(harden_mask(np.zeros((16, 16), np.uint8))).any()
    assert (mask_to_alpha(harden_mask(np.full((16, 16), 255, np.uint8))) == 1).all()
    levels = mask_to_alpha(np.arange(256, dtype=np.uint8)[None])
    assert (np.diff(levels) >= 0).all()
    assert np.isfinite(levels).all()
    assert (levels.min(), levels.max()) == (0, 1)


def test_an_uncertain_limb_stays_whole_and_a_shadow_disappears() -> None:
    alpha = [mask_to_alpha(harden_mask(np.full((16, 16), round(255 * p), np.uint8))).mean() for p in (0.15, 0.6)]
    assert alpha == [0, 1]


def test_a_region_begins_on_the_chroma_grid_and_ends_in_the_picture() -> None:
    mask = disc((64, 64), (32, 32), 9)
    for shift in (-20.3, 0.0, 7.7, 30.0):
        matrix = np.array([[1.0, 0, shift], [0, 1.0, shift]])
        region = mask_region(mask, matrix, (75, 81), (2, 2))
        assert region.x0 % 2 == region.y0 % 2 == 0
        assert 0 <= region.x0 < region.x1 <= 75
        assert 0 <= region.y0 < region.y1 <= 81
        outside = warp_mask(mask, matrix, Region(0, 0, 75, 81)).copy()
        outside[region.y0 : region.y1, region.x0 : region.x1] = 0
        assert not outside.any()


def test_a_region_outside_the_picture_is_empty() -> None:
    mask = disc((64, 64), (32, 32), 9)
    assert mask_region(mask, np.array([[1.0, 0, 500], [0, 1.0, 0]]), (75, 81), (2, 2)).empty
    assert mask_region(mask, np.array([[1.0, 0, 0], [0, 1.0, -300]]), (75, 81), (2, 2)).empty
    assert mask_region(np.zeros_like(mask), STILL, (75, 81), (2, 2)).empty


def test_the_region_of_a_turned_mask_contains_all_of_it() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[20:24, 4:60] = 255
    matrix = affine.about_target(affine.scale_and_turn(2.0, 0.7), np.array([40.0, 30.0]), np.array([70.0, 60.0]))
    region = mask_region(mask, matrix, (201, 161), (2, 2))
    everywhere = warp_mask(mask, matrix, Region(0, 0, 201, 161)).copy()
    everywhere[region.y0 : region.y1, region.x0 : region.x1] = 0
    assert not everywhere.any()
    assert not region.empty


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.3])
def test_a_disc_is_where_its_matrix_puts_it(scale: float) -> None:
    mask = disc((96, 96), (40.3, 52.8), 25)
    matrix = np.array([[scale, 0, 11.7], [0, scale, -3.2]])
    placed = warp_mask(mask, matrix, Region(0, 0, 360, 330)).astype(np.float32)
    x, y = centroid(placed)
    assert x == pytest.approx(40.3 * scale + 11.7, abs=0.1)
    assert y == pytest.approx(52.8 * scale - 3.2, abs=0.1)


@pytest.mark.parametrize("shift", [0.0, 10.25, -7.5, 300.0])
def test_coverage_is_the_covered_share_of_each_pixel(shift: float) -> None:
    covered = source_coverage(np.array([[1.0, 0, shift], [0, 1.0, 0]]), (64, 48), Region(0, 0, 64, 48))
    assert covered.sum() == pytest.approx(48 * max(64 - abs(shift), 0), abs=1e-2)
    assert covered.min() >= 0
    assert covered.max() <= 1


def test_coverage_follows_a_turned_and_enlarged_picture() -> None:
    matrix = affine.about_target(affine.scale_and_turn(1.3, 0.4), np.array([4.0, -3.0]), np.array([60.0, 50.0]))
    region = Region(10, 6, 110, 96)
    covered = source_coverage(matrix, (50, 40), region)
    y, x = np.mgrid[6:96, 10:110].astype(float)
    source = affine.apply(affine.invert(matrix), np.stack([x, y], axis=-1))
    inside = ((source > [1, 1]) & (source < [48, 38])).all(axis=-1)
    outside = ((source < [-1, -1]) | (source > [50, 40])).any(axis=-1)
    assert inside.any()
    assert outside.any()
    assert (covered[inside] == 1).all()
    assert not covered[outside].any()


@pytest.mark.parametrize(
    ("location", "site_xy"), [(0, (0, 0.5)), (1, (0, 0.5)), (2, (0.5, 0.5)), (3, (0, 0)), (4, (0.5, 0))]
)
def test_chroma_alpha_is_the_luma_alpha_at_the_sample_position(location: int, site_xy: tuple[float, float]) -> None:
    y, x = np.mgrid[:24, :32].astype(np.float32)
    reduced = sample_at_chroma(0.01 * x + 0.02 * y, (2, 2), location)
    rows, columns = np.mgrid[:12, :16]
    truth = 0.01 * (2 * columns + site_xy[0]) + 0.02 * (2 * rows + site_xy[1])
    np.testing.assert_allclose(reduced[1:-1, 1:-1], truth[1:-1, 1:-1], atol=1e-5)


def test_an_opacity_at_chroma_samples_has_the_size_of_the_chroma_plane() -> None:
    alpha = np.ones((25, 33), np.float32)
    assert sample_at_chroma(alpha, (2, 2), 0).shape == (13, 17)
    assert sample_at_chroma(alpha, (2, 1), 0).shape == (25, 17)
    assert sample_at_chroma(alpha, (1, 1), 0) is alpha


def test_refinement_moves_the_edge_to_the_edge_in_the_picture() -> None:
    guide = np.where(np.arange(60) < 30, 40, 180).astype(np.uint8)[None].repeat(40, axis=0)
    late = np.where(np.arange(60) < 27, 0, 255).astype(np.uint8)[None].repeat(40, axis=0)
    refined = refine_edge(late, guide)[20]
    assert refined[29] < 128 <= refined[30]
    np.testing.assert_array_equal(refine_edge(late, np.full_like(guide, 90))[20, [5, 50]], [0, 255])
