import numpy as np

from tasks.media.scene.fill import push_pull, smooth_fill


def test_a_hole_in_a_slope_is_closed_smoothly() -> None:
    slope = np.outer(np.ones(64), np.arange(80)).astype(np.float32)
    known = np.ones_like(slope)
    known[20:40, 20:50] = 0
    filled = push_pull(slope, known)
    assert np.abs(filled - slope).max() < 8
    assert np.array_equal(filled[known > 0], slope[known > 0])


def test_filling_changes_no_known_sample() -> None:
    plane = np.random.default_rng(1).integers(0, 1023, (50, 70)).astype(np.uint16)
    unknown = np.zeros(plane.shape, np.bool_)
    unknown[10:20, 10:30] = True
    filled = smooth_fill(plane, unknown, 1)
    assert np.array_equal(filled[~unknown], plane[~unknown])
    assert filled.dtype == plane.dtype
    assert filled.max() <= plane.max()


def test_a_whole_plane_is_given_back_as_it_is() -> None:
    plane = np.zeros((5, 5), np.uint8)
    assert smooth_fill(plane, np.zeros((5, 5), np.bool_), 2) is plane


def test_a_plane_of_which_nothing_is_known_gets_its_mean_and_not_zeros_which_are_green() -> None:
    plane = np.random.default_rng(2).integers(100, 140, (50, 70)).astype(np.uint8)
    for known in (0, 2):
        unknown = np.ones(plane.shape, np.bool_)
        unknown[0, :known] = False
        filled = smooth_fill(plane, unknown, 1)
        assert filled.dtype == plane.dtype and (filled[unknown] == round(plane.mean())).all()
        assert np.array_equal(filled[~unknown], plane[~unknown])
