"""What the terminal and ``run.json`` say of a video whose frames were not all looked at."""

import json
from pathlib import Path
from typing import Any

import pytest

from conf.choices import BorderMode
from conf.schema import Config
from conf.seeing import PoseConf
from flows.graph import Graph
from flows.job import Job
from flows.results.run_record import describe, headline
from flows.videos import Video
from tasks.records import Artifact, StoredFile
from tests.support.artifacts import clip_artifact
from tests.support.paths import even_times, pose_track, straight_walk


def stage(name: str, folder: Path, **facts: Any) -> Artifact:
    return Artifact(name, "key", str(folder), {"metrics.json": StoredFile("", 0, 0)}, facts, "run", 1.0)


def artifacts(folder: Path, looked: int, detected: int, states: dict[str, int]) -> dict[str, Artifact]:
    """The stages of a clip of 120 frames at 30000/1001 Hz as far as the sentence is made of them."""
    walk = straight_walk(even_times(120))
    found = {"frames": 120, "looked": looked, "detected": detected, "detection_rate": detected / looked}
    metrics = {"planned": {"lock_rms": 0.2, "visible_area_mean": 0.8}, "before": {"lock_rms": 190.0}, "units": {}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return {
        "decode": clip_artifact(folder / "clip", pose_track(even_times(120), walk, walk), (640, 480)),
        "subject": stage("subject", folder, **found),
        "offsets": stage("offsets", folder, states=states),
        "trajectory": stage("trajectory", folder),
    }


@pytest.mark.parametrize(
    ("looked", "detected", "states", "sentence"),
    [
        (120, 120, {"measured": 120}, "person in 120 of 120 frames (100.0%), planned lock 0.2 px rms (190"),
        (12, 12, {"measured": 12, "bridged": 108}, "person in 12 of 12 frames looked at, of 120, planned lock 0.2 px"),
        (
            8,
            8,
            {"measured": 8, "bridged": 61, "held": 51},
            "planned lock 0.2 px rms over the 69 frames that are no gue",
        ),
    ],
)
def test_the_sentence_tells_how_many_frames_it_is_of(
    tmp_path: Path, looked: int, detected: int, states: dict[str, int], sentence: str
) -> None:
    assert sentence in headline(artifacts(tmp_path, looked, detected, states), BorderMode.reflect)


def test_a_large_mirrored_border_is_said_and_how_to_be_without(tmp_path: Path) -> None:
    made = artifacts(tmp_path, 120, 120, {"measured": 120})
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    for area, border, told in (
        (0.8, BorderMode.reflect, "80% of the output is picture"),
        (0.6, BorderMode.constant, "60% of the output is picture"),
        (
            0.6,
            BorderMode.reflect,
            "60% of the output is picture, the rest is mirrored (border=constant or blur shows nobody twice)",
        ),
    ):
        metrics["planned"]["visible_area_mean"] = area
        (tmp_path / "metrics.json").write_text(json.dumps(metrics))
        assert headline(made, border).endswith(f", {told}")


@pytest.mark.parametrize(("every", "verify", "warned"), [(1, False, False), (12, False, True), (12, True, False)])
def test_what_the_plan_cannot_see_between_looks_is_said(tmp_path: Path, every: int, verify: bool, warned: bool) -> None:
    config = Config(pose=PoseConf(every=every), verify=verify)
    job = Job(Video("a", tmp_path / "a.mp4"), tmp_path / "a.mp4", "d" * 64, config, {}, Graph(tmp_path, "run"), "run")
    result = describe(job, artifacts(tmp_path, 10, 10, {"measured": 10, "bridged": 110}), tmp_path)
    assert [text for text in result.warnings if text.startswith("pose.every=12 is a look every 0.40 s; ")] == (
        result.warnings if warned else []
    )
    assert len(result.warnings) == warned
