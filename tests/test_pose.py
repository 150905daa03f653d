"""The pose stage on real clips."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from conf.schema import DecodeConf, Device, ModelsConf, PoseConf
from tasks.decode import decode
from tasks.errors import Interrupted, NobodyFound
from tasks.maths.landmarks import HIPS
from tasks.media.pose_file import read_pose
from tasks.media.tables import write_json
from tasks.pose import estimate_pose
from tasks.records import Artifact, read_clip
from tasks.requests import DecodeRequest, PoseRequest
from tests.artifacts import artifact


def decoded(video: Path, folder: Path, frames: int | None = None) -> Artifact:
    """The decode stage's artifact, cut to the first ``frames``."""
    folder.mkdir()
    decode(DecodeRequest(video, "digest", DecodeConf()), folder, lambda _: None)
    if frames is not None:
        clip = read_clip(artifact("decode", folder))
        write_json(folder / "clip.json", asdict(replace(clip, frames=frames)))
    return artifact("decode", folder)


def request(video: Path, clip: Artifact) -> PoseRequest:
    return PoseRequest(video, clip, PoseConf(), ModelsConf(), {}, Device.cpu)


def test_a_walker_is_found_in_every_frame(videos: Path, tmp_path: Path) -> None:
    video = videos / "moonwalk.mp4"
    ticks: list[int] = []
    facts = estimate_pose(request(video, decoded(video, tmp_path / "clip", 20)), tmp_path, ticks.append)
    track = read_pose(tmp_path / "pose.parquet")
    assert ticks == list(range(1, 21))
    assert track.frames == 20 and track.found.all()
    assert track.visibility[:, list(HIPS)].min() > 0.95
    assert np.allclose(track.time_s, np.arange(20) * 1001 / 24000)
    assert facts["frames"] == facts["detected"] == 20 and facts["detection_rate"] == 1
    assert facts["hip_visibility"] == pytest.approx(track.visibility[:, list(HIPS)].mean())
    assert facts["device"] == "cpu" and facts["device_note"] == ""
    assert len((tmp_path / "pose.csv").read_text().splitlines()) == 1 + 20 * 33


def test_nobody_in_any_frame_is_said_with_the_count(videos: Path, tmp_path: Path) -> None:
    video = videos / "thermal_vfr_no_person.mp4"
    with pytest.raises(NobodyFound, match=r"thermal_vfr_no_person\.mp4: no person found in 84 frames; "):
        estimate_pose(request(video, decoded(video, tmp_path / "clip")), tmp_path, lambda _: None)


def test_stopping_ends_the_stage_at_once(videos: Path, tmp_path: Path) -> None:
    def tick(done: int) -> None:
        if done == 3:
            raise Interrupted("stopped")

    video = videos / "moonwalk.mp4"
    with pytest.raises(Interrupted):
        estimate_pose(request(video, decoded(video, tmp_path / "clip")), tmp_path, tick)
