"""The masks stage: which model runs, and real clips."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from conf.enums import Device, MaskModel, MaskSource
from conf.input import DecodeConf, MasksConf, ModelsConf, PoseConf, SubjectConf
from tasks.decode import decode
from tasks.execution.computation import Computation, here
from tasks.masks import pick_model, segment_person
from tasks.maths.body.landmarks import hip_midpoint
from tasks.media.files.masks_file import Mask, MaskState, read_mask_states, read_masks
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import write_json
from tasks.pose import estimate_pose
from tasks.records import Artifact, read_clip
from tasks.requests import DecodeRequest, MasksRequest, PoseRequest, SceneRequest, SubjectRequest
from tasks.subject import choose_subject
from tests.support.artifacts import artifact

FRAMES = 12


class Walk(NamedTuple):
    """A video and its stages up to the choice of whom to follow."""

    video: Path
    clip: Artifact[Any]
    found: Artifact[Any]
    pose: Artifact[Any]


def shown(level: float) -> NDArray[np.float32]:
    return np.full((6, 8), level, np.float32)


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


def test_a_slow_model_is_replaced_with_a_reason() -> None:
    inputs = [np.zeros((6, 8, 3), np.uint8)] * 20
    fast, slow = Stopwatch(0.01), Stopwatch(0.05)
    assert pick_model(inputs, fast.segment, 30.0, fast) == (MaskModel.general, "")
    model, why = pick_model(inputs, slow.segment, 30.0, slow)
    assert model is MaskModel.landscape
    assert why == "general ran at 20.0 frames per second on the first 20 boxes, slower than masks.fallback_fps=30"
    assert pick_model([], slow.segment, 30.0, slow) == (MaskModel.general, "")


@pytest.fixture(scope="module")
def walk(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
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
    facts = estimate_pose(request, folder / "pose", lambda _: None)
    found = replace(artifact("pose", folder / "pose"), facts=facts)
    choose_subject(SubjectRequest(decoded, found, SubjectConf()), folder / "subject", lambda _: None)
    yield Walk(video, decoded, found, artifact("subject", folder / "subject"))


def masks_of(
    walk: Walk, folder: Path, settings: MasksConf, step_s: float = 0.0
) -> tuple[list[Mask], dict[str, object]]:
    request = MasksRequest(walk.video, walk.clip, walk.found, walk.pose, settings, ModelsConf(), {}, Device.cpu)
    ticks: list[int] = []
    now_s = iter(np.arange(100.0) * step_s)
    facts = segment_person(request, folder, ticks.append, clock=lambda: float(next(now_s)))
    assert ticks == list(range(1, FRAMES + 1))
    return list(read_masks(folder / "masks.npz")), facts


def test_masks_and_scene_of_one_pass_have_the_bytes_that_they_have_alone(walk: Walk, tmp_path: Path) -> None:
    masks = MasksRequest(walk.video, walk.clip, walk.found, walk.pose, MasksConf(), ModelsConf(), {}, Device.cpu)
    asked = [masks, SceneRequest(walk.video, clip=walk.clip, found=walk.found)]
    made: list[dict[str, bytes]] = []
    told: dict[int, dict[str, Any] | Exception] = {}
    for name, passes in (("together", [asked]), ("alone", [[one] for one in asked])):
        folders = [tmp_path / name / one.stage for one in asked]
        for folder in folders:
            folder.mkdir(parents=True)
        for some in passes:
            own = [folders[asked.index(one)] for one in some]
            here(Computation(some, own), lambda _: None, told.__setitem__)
            assert not any(isinstance(outcome, Exception) for outcome in told.values())
        made.append({file.name: file.read_bytes() for folder in folders for file in folder.iterdir()})
    assert made[0] == made[1] and made[0].keys() == {"masks.npz", "plates.zip", "hidden.npz", "camera.parquet"}


@pytest.mark.parametrize("source", MaskSource)
def test_the_mask_lies_on_the_person(walk: Walk, source: MaskSource, tmp_path: Path) -> None:
    masks, facts = masks_of(walk, tmp_path, MasksConf(source=source))
    hips_px = hip_midpoint(read_pose(walk.pose.path("pose.parquet")).xy_px)
    assert len(masks) == FRAMES and facts["measured"] == FRAMES
    for mask, hip_px in zip(masks, hips_px, strict=True):
        size = mask.edges_px[2:] - mask.edges_px[:2]
        column, row = ((hip_px - mask.edges_px[:2]) / size * 256).astype(int)
        assert mask.probability.shape == (256, 256)
        assert mask.probability[row, column] > 230
        assert 0.03 < (mask.probability > 127).mean() < 0.5
        assert mask.probability[:, 0].max() < 128, "nobody at the left edge"


def test_where_the_pose_models_own_mask_is_certain_it_decides(walk: Walk, tmp_path: Path) -> None:
    made = {}
    for name, settings in {
        "shown": MasksConf(body=False),
        "body": MasksConf(source=MaskSource.landmarker),
        "both": MasksConf(),
    }.items():
        (tmp_path / name).mkdir()
        masks, _ = masks_of(walk, tmp_path / name, settings)
        made[name] = np.stack([mask.probability for mask in masks]).astype(float) / 255
    sure = np.abs(2 * made["body"] - 1)
    expected = sure * made["body"] + (1 - sure) * made["shown"]
    assert np.abs(made["both"] - expected).max() < 0.02
    assert np.abs(made["both"] - made["shown"]).max() > 0.5


def test_in_an_absence_by_hand_nobody_is_cut_out(walk: Walk, tmp_path: Path) -> None:
    settings = MasksConf(source=MaskSource.landmarker)
    request = MasksRequest(walk.video, walk.clip, walk.found, walk.pose, settings, ModelsConf(), {}, Device.cpu)
    facts = segment_person(replace(request, absences=((2, 3), (FRAMES - 1, FRAMES - 1))), tmp_path, lambda _: None)
    absent = [2, 3, FRAMES - 1]
    states = read_mask_states(tmp_path / "masks.npz")
    assert np.flatnonzero(states == MaskState.nobody).tolist() == absent
    assert facts["measured"] == FRAMES - len(absent)
    assert facts["notes"] == [], "an absence by hand is no failure"


def test_where_no_mask_fits_the_pose_a_warning_says_so(
    walk: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.masks.combine_masks", lambda *_: np.zeros((256, 256), np.float32))
    _, facts = masks_of(walk, tmp_path, MasksConf())
    assert facts["nobody"] == FRAMES
    assert facts["notes"] == [f"no mask in {FRAMES} frames in which a pose is found: there nobody is cut out"]


def test_equal_requests_give_equal_bytes(walk: Walk, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        masks_of(walk, tmp_path / name, MasksConf())
    assert (tmp_path / "a" / "masks.npz").read_bytes() == (tmp_path / "b" / "masks.npz").read_bytes()


def test_if_the_general_model_is_too_slow_landscape_is_used(walk: Walk, tmp_path: Path) -> None:
    settings = MasksConf(fallback_fps=30.0)
    masks, facts = masks_of(walk, tmp_path, settings, step_s=1.0)
    assert facts["model"] == "landscape" and "general ran at 12.0" in str(facts["why"])
    assert masks[0].probability.shape == (144, 256)
    masks, facts = masks_of(walk, tmp_path, settings, step_s=0.1)
    assert facts["model"] == "general" and facts["why"] == ""
    assert masks[0].probability.shape == (256, 256)
