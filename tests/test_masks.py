"""The masks stage: what is lent, which model runs, and real clips."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from conf.choices import Device, MaskModel, MaskSource, PoseModel
from conf.seeing import DecodeConf, MasksConf, ModelsConf, PoseConf, SubjectConf
from tasks.decode import decode
from tasks.masks import lent, pick_model, pose_masks, segment_person
from tasks.maths.boxes import Boxes
from tasks.maths.landmarks import HIPS
from tasks.media.masks_file import Mask, State, read_masks
from tasks.media.pose_file import read_pose
from tasks.media.rgb import RgbFrame
from tasks.media.tables import write_json
from tasks.pose import estimate_pose
from tasks.records import Artifact, read_clip
from tasks.requests import DecodeRequest, MasksRequest, PoseRequest, SubjectRequest
from tasks.subject import choose_subject
from tests.artifacts import artifact

WH = (8, 6)
FRAMES = 12


def shown(level: float) -> NDArray[np.float32]:
    return np.full((6, 8), level, np.float32)


def lend(masks: list[NDArray[np.float32] | None], person: list[bool]) -> list[tuple[int, State]]:
    """Level and state of each mask; the torso is in the middle of every box."""
    edges = np.tile([0.0, 0, 80, 60], (len(masks), 1)) + np.arange(len(masks))[:, None]
    boxes = Boxes(edges, np.array(person), (edges[:, :2] + edges[:, 2:]) / 2)
    out = list(lent(iter(masks), boxes, WH))
    assert np.array_equal([mask.edges_px for mask in out], edges.astype(np.float32)), "each keeps its own box"
    return [(int(mask.probability.max()), mask.state) for mask in out]


def test_good_masks_pass_as_bytes() -> None:
    assert lend([shown(1.0), shown(0.6)], [True, True]) == [(255, State.measured), (153, State.measured)]


def test_a_failed_frame_is_lent_the_one_before_else_the_next() -> None:
    masks = [None, shown(0.1), shown(0.8), None, shown(0.2), shown(1.0)]
    copied, measured = State.copied, State.measured
    levels = [(204, copied), (204, copied), (204, measured), (204, copied), (204, copied), (255, measured)]
    assert lend(masks, [True] * 6) == levels


def test_nothing_is_lent_across_a_stretch_with_nobody() -> None:
    masks = [shown(0.8), None, shown(0.1), None, None, shown(1.0)]
    person = [True, True, False, False, True, True]
    nobody, copied, measured = State.nobody, State.copied, State.measured
    levels = [(204, measured), (204, copied), (26, nobody), (0, nobody), (255, copied), (255, measured)]
    assert lend(masks, person) == levels
    assert lend([None, None], [True, True]) == [(0, nobody), (0, nobody)]


def test_somebody_elsewhere_in_the_box_is_not_the_person() -> None:
    elsewhere = shown(0.0)
    elsewhere[0, 0] = 1.0
    assert [state for _, state in lend([shown(1.0), elsewhere], [True, True])] == [State.measured, State.copied]


class Stopwatch:
    """Tells a time that goes on by ``step_s`` at every mask."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s = 100.0, step_s

    def __call__(self) -> float:
        return self.now_s

    def segment(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert rgb.dtype == np.uint8
        self.now_s += self.step_s
        return shown(1.0)


def test_a_slow_model_gives_way_and_says_why() -> None:
    inputs = [np.zeros((6, 8, 3), np.uint8)] * 20
    fast, slow = Stopwatch(0.01), Stopwatch(0.05)
    assert pick_model(inputs, fast.segment, 30.0, fast) == (MaskModel.general, "")
    model, why = pick_model(inputs, slow.segment, 30.0, slow)
    assert model is MaskModel.landscape
    assert why == "general ran at 20.0 frames per second on the first 20 boxes, slower than masks.fallback_fps=30"
    assert pick_model([], slow.segment, 30.0, slow) == (MaskModel.general, "")


def test_beside_others_the_pose_model_is_shown_the_persons_box_only() -> None:
    shown: list[NDArray[np.uint8]] = []

    def estimator(rgb: NDArray[np.uint8], time_s: float) -> None:
        shown.append(rgb)

    rgb = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    frames = [RgbFrame(number, number / 25, rgb, rgb[..., 0]) for number in range(2)]
    edges_px = np.array([[1.5, 0.5, 4.5, 3.5], [-0.5, -0.5, 7.5, 5.5]])
    boxes = Boxes(edges_px, np.array([True, False]), np.full((2, 2), np.nan))
    assert list(pose_masks(frames, estimator, boxes, WH, alone=False)) == [None, None]
    (seen,) = shown
    assert np.array_equal(seen[1:4, 2:5], rgb[1:4, 2:5]) and (seen != rgb).any(axis=2).sum() >= 6 * 8 - 9 - 1
    list(pose_masks(frames, estimator, boxes, WH, alone=True))
    assert all(part is rgb for part in shown[1:]) and len(shown) == 3


@pytest.fixture(scope="module")
def walk(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Artifact, Artifact]]:
    """The first frames of a walk, decoded, with their pose."""
    video = videos / "moonwalk.mp4"
    folder = tmp_path_factory.mktemp("walk")
    for stage in ("decode", "pose", "subject"):
        (folder / stage).mkdir()
    decode(DecodeRequest(video, "digest", DecodeConf()), folder / "decode", lambda _: None)
    clip = replace(read_clip(artifact("decode", folder / "decode")), frames=FRAMES)
    write_json(folder / "decode" / "clip.json", asdict(clip))
    decoded = artifact("decode", folder / "decode")
    request = PoseRequest(video, decoded, PoseConf(), ModelsConf(), {}, Device.cpu)
    estimate_pose(request, folder / "pose", lambda _: None)
    chosen = SubjectRequest(decoded, artifact("pose", folder / "pose"), SubjectConf())
    choose_subject(chosen, folder / "subject", lambda _: None)
    yield video, decoded, artifact("subject", folder / "subject")


def masks_of(
    walk: tuple[Path, Artifact, Artifact], folder: Path, settings: MasksConf, step_s: float = 0.0
) -> tuple[list[Mask], dict[str, object]]:
    video, clip, pose = walk
    request = MasksRequest(video, clip, pose, settings, ModelsConf(), {}, Device.cpu, PoseModel.full)
    ticks: list[int] = []
    now_s = iter(np.arange(100.0) * step_s)
    facts = segment_person(request, folder, ticks.append, clock=lambda: float(next(now_s)))
    assert ticks == list(range(1, FRAMES + 1))
    return list(read_masks(folder / "masks.npz")), facts


@pytest.mark.parametrize("source", MaskSource)
def test_the_mask_lies_on_the_person(walk: tuple[Path, Artifact, Artifact], source: MaskSource, tmp_path: Path) -> None:
    masks, facts = masks_of(walk, tmp_path, MasksConf(source=source))
    hips_px = read_pose(walk[2].path("pose.parquet")).xy_px[:, list(HIPS)].mean(axis=1)
    assert len(masks) == FRAMES and facts["measured"] == FRAMES
    for mask, hip_px in zip(masks, hips_px, strict=True):
        size = mask.edges_px[2:] - mask.edges_px[:2]
        column, row = ((hip_px - mask.edges_px[:2]) / size * 256).astype(int)
        assert mask.probability.shape == (256, 256)
        assert mask.probability[row, column] > 230
        assert 0.03 < (mask.probability > 127).mean() < 0.5
        assert mask.probability[:, 0].max() < 128, "nobody at the left edge"


def test_a_second_look_at_the_legs_takes_nothing_away(walk: tuple[Path, Artifact, Artifact], tmp_path: Path) -> None:
    plain, more = tmp_path / "plain", tmp_path / "more"
    plain.mkdir()
    more.mkdir()
    once, _ = masks_of(walk, plain, MasksConf())
    twice, _ = masks_of(walk, more, MasksConf(legs=True))
    added = [(after.probability.astype(int) - before.probability) for before, after in zip(once, twice, strict=True)]
    assert min(step.min() for step in added) >= 0
    assert max(step[:100].max() for step in added) == 0, "above the hips all is as it was"
    assert max(step[100:].max() for step in added) > 20


def test_equal_requests_give_equal_bytes(walk: tuple[Path, Artifact, Artifact], tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        masks_of(walk, tmp_path / name, MasksConf())
    assert (tmp_path / "a" / "masks.npz").read_bytes() == (tmp_path / "b" / "masks.npz").read_bytes()


def test_too_slow_for_the_general_model_means_landscape(walk: tuple[Path, Artifact, Artifact], tmp_path: Path) -> None:
    settings = MasksConf(fallback_fps=30.0)
    masks, facts = masks_of(walk, tmp_path, settings, step_s=1.0)
    assert facts["model"] == "landscape" and "general ran at 12.0" in str(facts["why"])
    assert masks[0].probability.shape == (144, 256)
    masks, facts = masks_of(walk, tmp_path, settings, step_s=0.1)
    assert facts["model"] == "general" and facts["why"] == ""
    assert masks[0].probability.shape == (256, 256)
