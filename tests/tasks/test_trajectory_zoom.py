"""The size of the output: by ``crop.output``, by the person's height, and by the share of own picture."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from conf.enums import AwayMode, CropMode, Smoother
from conf.lock import AnchorConf, CropConf, LockConf, SmoothingConf
from tasks.errors import SettingError
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.body.person_height import standing_height_px
from tasks.maths.path import affine, framing
from tasks.media.files.tables import matrices_of, points_of, read_table
from tasks.offsets import measure_offsets
from tasks.records import TARGET_WORDS
from tasks.requests import OffsetsRequest, RoomRequest, TrajectoryRequest
from tasks.trajectory import find_room, plan_trajectory
from tests.support.artifacts import artifact, clip_artifact, pose_artifact
from tests.support.drawn.bodies import figure
from tests.support.drawn.paths import even_times, shaky_walk, without

SIZE = (640, 480)
COUNT = 60
STILL = SmoothingConf(Smoother.none)
KEPT = [0.8, 0.9, 0.97]


def walker(torso_px: float = 60.0) -> PoseTrack:
    """A whole person who walks across a third of the picture."""
    hips = shaky_walk(COUNT) * [0.3, 1.0] + [220, 10]
    marks = np.stack([figure((float(x), float(y)), torso_px) for x, y in hips])
    return PoseTrack.of(even_times(COUNT), marks)


class Planned:
    """The files of a trajectory."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self.facts, self.folder = facts, folder
        self.table = read_table(folder / "trajectory.parquet")
        self.frame = json.loads((folder / "framing.json").read_text())
        report = json.loads((folder / "metrics.json").read_text())
        self.metrics, self.before = report["planned"], report["before"]
        self.to_output, self.anchor = matrices_of(self.table, "to_output"), points_of(self.table, "anchor")
        self.size_px: tuple[int, int] = tuple(self.frame["output_size_px"])

    @property
    def own(self) -> float:
        return float(self.metrics["visible_area_mean"])


def plan(folder: Path, crop: CropConf, lock: LockConf | None = None, **more: Any) -> Planned:
    """Offsets and trajectory, as the flow asks for them; ``more`` is what ``asked`` takes."""
    request = asked(folder, crop, lock, **more)
    out = folder / "out"
    out.mkdir()
    return Planned(out, plan_trajectory(request, out, lambda _: None))


def asked(
    folder: Path,
    crop: CropConf,
    lock: LockConf | None = None,
    *,
    track: PoseTrack | None = None,
    target: Any = "center",
    anchor: AnchorConf | None = None,
    smooth: SmoothingConf = STILL,
    shared_px: tuple[int, int] | None = None,
) -> TrajectoryRequest:
    folder.mkdir(exist_ok=True)
    body = walker() if track is None else track
    clip, pose = clip_artifact(folder / "clip", body, SIZE), pose_artifact(folder / "pose", body)
    measured = folder / "offsets"
    measured.mkdir()
    picture = CropConf(size=crop.size, aspect=crop.aspect, window=crop.window)
    held = AnchorConf(fusion=False) if anchor is None else anchor
    measure_offsets(OffsetsRequest(clip, pose, held, target, picture), measured, lambda _: None)
    word = target if target in ("auto", "natural") else ""
    return TrajectoryRequest(
        clip, pose, artifact("offsets", measured), smooth, crop, lock or LockConf(), word, window_px=shared_px
    )


@pytest.mark.parametrize("crop", [{}, {"size": [320, 240]}, {"window": [20, 40, 320, 240]}])
def test_an_output_of_the_size_that_is_shown_changes_nothing(tmp_path: Path, crop: dict[str, Any]) -> None:
    plain = plan(tmp_path / "plain", CropConf(**crop), smooth=SmoothingConf())
    sized = plan(tmp_path / "sized", CropConf(**crop, output=list(plain.size_px)), smooth=SmoothingConf())
    assert sized.frame == plain.frame
    for name, column in plain.table.items():
        assert_array_equal(sized.table[name], column)


@pytest.mark.parametrize(
    ("crop", "zoom"),
    [
        ({"output": [1280, 960]}, 2.0),
        ({"output": "160x120"}, 0.25),
        ({"output": "270x480"}, 1.0),
        ({"output": "1080x1920"}, 4.0),
        ({"size": [200, 100], "output": [300, 150]}, 1.5),
        ({"window": [200, 100, 200, 100], "output": [300, 150]}, 1.5),
    ],
)
@pytest.mark.parametrize("lock", [LockConf(), LockConf(scale=True, roll=True)])
@pytest.mark.parametrize("target", [*TARGET_WORDS, (0.4, 0.7)])
def test_the_window_is_scaled_once_and_the_anchor_stays_on_the_target(
    tmp_path: Path, crop: dict[str, Any], zoom: float, lock: LockConf, target: Any
) -> None:
    planned = plan(tmp_path, CropConf(**crop), lock, target=target)
    assert planned.frame["zoom"] == pytest.approx(zoom)
    held = affine.apply(planned.to_output, planned.anchor)
    assert np.abs(held - planned.frame["target_px"]).max() < 1e-6
    assert_allclose(affine.length_scale(planned.to_output), zoom * planned.table["scale"])
    if target == "center" and "window" not in crop:
        assert_allclose(planned.frame["target_px"], (np.array(planned.size_px) - 1) / 2)
    assert planned.metrics["lock_rms"] == pytest.approx(0, abs=1e-6)


def test_an_output_of_another_shape_shows_as_much_as_that_shape_can(tmp_path: Path) -> None:
    for shape in ([480, 480], [640, 160]):
        planned = plan(tmp_path / str(shape[0]), CropConf(output=shape))
        shown = np.array(planned.size_px) / planned.frame["zoom"]
        assert (shown <= np.array(SIZE) + 1e-9).all()
        assert np.isclose(shown, SIZE).any()


def test_the_source_is_judged_as_large_as_the_output_shows_it(tmp_path: Path) -> None:
    plain, doubled = plan(tmp_path / "1", CropConf()), plan(tmp_path / "2", CropConf(output=[1280, 960]))
    for name in ("lock_rms", "lock_std_x", "sway", "residual_accel"):
        assert doubled.before[name] == pytest.approx(2 * plain.before[name], rel=1e-5)
    for name in ("lock_rms_of_height", "lock_rms_of_diagonal"):
        assert doubled.before[name] == pytest.approx(plain.before[name], rel=1e-5)
    for name in ("lock_gain_x", "lock_gain_y", "visible_area_mean", "subject_cut"):
        assert doubled.metrics[name] == pytest.approx(plain.metrics[name], abs=1e-6)


@pytest.mark.parametrize("share", [0.3, 0.6, 1.2])
@pytest.mark.parametrize("crop", [{}, {"output": [540, 960]}, {"aspect": "1:1"}, {"size": [300, 200]}])
def test_the_person_has_the_asked_share_of_the_height(tmp_path: Path, share: float, crop: dict[str, Any]) -> None:
    planned = plan(tmp_path, CropConf(**crop), LockConf(height=share))
    height_px, _ = standing_height_px(walker(), np.ones(COUNT), SIZE[1])
    assert height_px * planned.frame["zoom"] == pytest.approx(share * planned.size_px[1])


def test_large_and_small_people_get_the_same_share(tmp_path: Path) -> None:
    """The same zoom for a whole clip, another for each clip: the people of a batch are equally large."""
    large = plan(tmp_path / "l", CropConf(output=[320, 320]), LockConf(height=0.5), track=walker(80.0))
    small = plan(tmp_path / "s", CropConf(output=[320, 320]), LockConf(height=0.5), track=walker(30.0))
    heights = []
    for planned, track in ((large, walker(80.0)), (small, walker(30.0))):
        feet, top = track.xy_px[:, 31], track.xy_px[:, 0]
        heights.append(np.median((affine.apply(planned.to_output, feet) - affine.apply(planned.to_output, top))[:, 1]))
    assert heights[0] == pytest.approx(heights[1], rel=1e-6)


def test_a_target_in_words_is_chosen_for_what_is_shown(tmp_path: Path) -> None:
    """Enlarged about the centre the head would be cut; auto lowers the target until it is whole."""
    centre = plan(tmp_path / "c", CropConf(), LockConf(height=1.3))
    auto = plan(tmp_path / "a", CropConf(), LockConf(height=1.3), target="auto")
    assert centre.metrics["head_cut"] == 1
    assert auto.metrics["head_cut"] == 0
    assert "head stays whole" in auto.facts["target"]


@pytest.mark.parametrize("keep", KEPT)
@pytest.mark.parametrize("crop", [{}, {"aspect": "1:1"}, {"output": [540, 960]}, {"output": [320, 240]}])
@pytest.mark.parametrize("target", ["center", "auto"])
def test_a_kept_share_is_reached_and_a_larger_window_would_miss_it(
    tmp_path: Path, keep: float, crop: dict[str, Any], target: str
) -> None:
    whole = plan(tmp_path / "whole", CropConf(**crop), target=target)
    planned = plan(tmp_path / "kept", CropConf(**crop, keep=keep), target=target)
    assert planned.own >= keep - 1e-6
    if whole.own >= keep:
        assert planned.size_px == whole.size_px and planned.frame["zoom"] == whole.frame["zoom"]
        return
    shown = np.array(planned.size_px) / planned.frame["zoom"]
    larger = shown * 1.01 + (0 if "output" in crop else 2)  # sizes without a zoom are even numbers
    corner = affine.apply(planned.to_output, planned.anchor)[0] + 0.5
    place = corner / planned.size_px  # of the person, as a share of the window
    if target == "center":
        moved = affine.translation(place * larger - 0.5 - planned.anchor)
        assert framing.visible_area(moved, SIZE, (float(larger[0]), float(larger[1]))).mean() < keep


def test_a_share_that_no_window_keeps_is_one_line_with_the_most(tmp_path: Path) -> None:
    left = walker(30.0)
    left.xy_px[..., 0] -= left.xy_px[:, [23, 24], 0].mean(axis=1).min() - 5  # hips 5 px from the edge: border around
    with pytest.raises(SettingError, match=r"^crop\.keep: no window around the person shows 100% own .* give 0\.\d+"):
        plan(tmp_path, CropConf(keep=1.0), track=left)


def test_videos_that_share_a_kept_share_have_one_size(tmp_path: Path) -> None:
    request = asked(tmp_path, CropConf(keep=0.9))
    (tmp_path / "room").mkdir()
    fields = (request.clip, request.subject, request.offsets, request.settings, request.crop)
    room = find_room(RoomRequest(*fields), tmp_path / "room", lambda _: None)["size_px"]
    assert tuple(room) == plan(tmp_path / "own", CropConf(keep=0.9)).size_px
    smaller = (room[0] - 60, room[1] - 46)
    shared = plan(tmp_path / "shared", CropConf(keep=0.9), shared_px=smaller)
    assert shared.size_px == smaller
    assert shared.own > 0.9


@pytest.mark.parametrize("away", list(AwayMode))
def test_while_nobody_is_there_the_middle_of_the_original_frame_is_shown(tmp_path: Path, away: AwayMode) -> None:
    gone = slice(20, 50)
    anchor = AnchorConf(fusion=False, longest_gap_s=0.2, away=away, ease_s=0.2)
    planned = plan(
        tmp_path, CropConf(output=[320, 320]), LockConf(height=0.9), track=without(walker(), gone), anchor=anchor
    )
    middle = affine.apply(planned.to_output, (np.array(SIZE) - 1) / 2)
    off_px = np.abs(middle - (np.array(planned.size_px) - 1) / 2).max(axis=1)
    if away is AwayMode.hold:
        assert off_px[35] > 5
    else:
        assert off_px[35] < 1e-6
        assert off_px[5] > 5
    assert_allclose(affine.length_scale(planned.to_output), planned.frame["zoom"])


def test_the_window_without_a_border_and_the_canvas_are_scaled_too(tmp_path: Path) -> None:
    auto = plan(tmp_path / "auto", CropConf(CropMode.auto, output=[480, 640]))
    assert auto.metrics["visible_area_min"] > 1 - 1e-5
    expanded = plan(tmp_path / "expand", CropConf(CropMode.expand, output=[640, 640]))
    corners = affine.apply(expanded.to_output[:, None], np.array([[-0.5, -0.5], [639.5, 479.5]])[None])
    assert corners.min() > -0.5 - 1e-6 and corners.max() < 639.5 + 1e-6
    for planned in (auto, expanded):
        held = affine.apply(planned.to_output, planned.anchor)
        assert np.abs(held - planned.frame["target_px"]).max() < 1e-6
