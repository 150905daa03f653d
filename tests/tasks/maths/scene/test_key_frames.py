import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.maths.scene.camera_path import CameraPath
from tasks.maths.scene.key_frames import plan_plates

SIZE_PX = (100, 50)


def path_of(x_px: NDArray[np.float64], group: NDArray[np.int64] | None = None) -> CameraPath:
    count = len(x_px)
    to_scene = affine.translation(np.stack([x_px, np.zeros(count)], axis=1))
    return CameraPath(np.zeros(count, np.int64) if group is None else group, to_scene, np.ones(count))


def test_a_still_camera_needs_a_plate_every_second_and_a_half() -> None:
    plans = plan_plates(path_of(np.zeros(136)), np.arange(136) / 30, SIZE_PX)
    frames = [plan.frame for plan in plans]
    assert frames[0] == 0
    assert frames[-1] == 135
    assert 4 <= len(frames) <= 5


def test_a_fast_camera_needs_more_plates() -> None:
    still = plan_plates(path_of(np.zeros(91)), np.arange(91) / 30, SIZE_PX)
    fast = plan_plates(path_of(np.linspace(0, 270, 91)), np.arange(91) / 30, SIZE_PX)
    assert len(fast) > 2 * len(still)


def test_sources_lie_in_the_same_group_and_the_nearest_come_first() -> None:
    group = np.repeat([0, 1], [40, 51])
    plans = plan_plates(path_of(np.zeros(91), group), np.arange(91) / 30, SIZE_PX)
    assert {int(group[plan.frame]) for plan in plans} == {0, 1}
    for plan in plans:
        assert {int(group[frame]) for frame in plan.sources} == {int(group[plan.frame])}
        distance = [abs(frame - plan.frame) for frame in plan.sources]
        assert distance[0] <= distance[-1]
        assert plan.frame not in plan.sources


def test_a_group_of_one_frame_has_a_plate_without_sources() -> None:
    plans = plan_plates(path_of(np.zeros(2), np.array([0, 1])), np.arange(2) / 30, SIZE_PX)
    assert [(plan.frame, plan.sources) for plan in plans] == [(0, ()), (1, ())]


def test_how_many_frames_are_needed_at_a_time_does_not_grow_with_the_clip() -> None:
    def most_held(frames: int) -> int:
        plans = plan_plates(path_of(np.zeros(frames)), np.arange(frames) / 30, SIZE_PX)
        spans = [(min(plan.frame, *plan.sources), max(plan.frame, *plan.sources)) for plan in plans]
        return max(high - low for low, high in spans)

    assert most_held(6000) == most_held(3000)
