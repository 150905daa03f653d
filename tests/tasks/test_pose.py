"""The pose stage on real clips."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from conf.enums import Device
from conf.input import DecodeConf, ModelsConf, PoseConf
from tasks.decode import decode
from tasks.errors import Interrupted, NobodyFound, SettingError
from tasks.maths.body.landmarks import HIPS
from tasks.media.files.people_file import people_writer, read_looked, read_steps, read_tracks
from tasks.media.files.tables import read_table, write_json
from tasks.media.input.frames import Frame
from tasks.media.input.rgb_frames import RgbFrame
from tasks.media.planes.layout import PixelLayout
from tasks.media.scene.camera_motion import CameraRecorder
from tasks.media.tracking.portraits import PortraitRecorder
from tasks.models.people_finder import Sighting
from tasks.pose import SeenFrame, estimate_pose, note_of_repeated, record_people
from tasks.records import Artifact, ColorTags, read_clip
from tasks.requests import DecodeRequest, PoseRequest
from tests.support.artifacts import artifact
from tests.support.drawn.bodies import figure
from tests.support.rewrite_clip import scratched


def decoded(video: Path, folder: Path, frames: int | None = None) -> Artifact[Any]:
    """The decode stage's artifact, cut to the first ``frames``."""
    folder.mkdir()
    decode(DecodeRequest(video, "digest", DecodeConf()), folder, lambda _: None)
    if frames is not None:
        clip = read_clip(artifact("decode", folder))
        write_json(folder / "clip.json", asdict(replace(clip, frames=frames, trimmed=True)))
    return artifact("decode", folder)


def request(video: Path, clip: Artifact[Any], settings: PoseConf | None = None) -> PoseRequest:
    return PoseRequest(video, clip, settings or PoseConf(), ModelsConf(), {}, Device.cpu)


def test_of_somebody_beside_another_only_what_is_clear_of_the_other_is_measured(tmp_path: Path) -> None:
    """The left half of the picture rests and the right half moves; the torso lies in both."""
    left, right = np.array([-0.5, -0.5, 319.5, 359.5]), np.array([319.5, -0.5, 639.5, 359.5])
    coarse = np.random.default_rng(3).integers(0, 256, (90, 175), np.uint8)
    texture = np.asarray(cv2.resize(coarse, (700, 360), interpolation=cv2.INTER_CUBIC), np.uint8)
    body = figure((320, 200), 80.0)

    def seen() -> Iterator[SeenFrame]:
        for index in range(6):
            luma = np.hstack([texture[:, :320], texture[:, 340 - 3 * index : 660 - 3 * index]])
            picture = Frame(index, index, 1, (luma,), PixelLayout("gray", 8, (0, 0), 1), ColorTags())
            people = [
                Sighting(track, body, None, np.array([-0.5, -0.5, 639.5, 359.5]), clear_px)
                for track, clear_px in ((1, left), (2, right), (3, None))
            ]
            yield SeenFrame(RgbFrame(index, index / 25, picture), 0, True, people)

    with people_writer(tmp_path) as writer:
        record_people(seen(), writer, lambda _: None, CameraRecorder((640, 360)), PortraitRecorder())
    steps = read_steps(tmp_path / "steps.parquet", [1, 2, 3])
    assert np.allclose(steps[1][1]["dx_px"][2:], 0, atol=0.2) and np.allclose(steps[2][1]["dx_px"][2:], 3, atol=0.2)
    assert set(read_table(tmp_path / "clothes.parquet")["track"].tolist()) == {3}, "theirs may show"


def test_a_walker_is_found_in_every_frame(videos: Path, tmp_path: Path) -> None:
    video = videos / "moonwalk.mp4"
    clip = decoded(video, tmp_path / "clip", 20)
    ticks: list[int] = []
    facts = estimate_pose(request(video, clip), tmp_path, ticks.append)
    (track,) = read_tracks(tmp_path / "people.parquet", tmp_path / "clothes.parquet")
    time_s, looked, _ = read_looked(tmp_path / "looked.parquet")
    (at, steps) = read_steps(tmp_path / "steps.parquet", [1])[1]
    assert ticks == list(range(1, 21))
    assert track.frames.tolist() == at.tolist() == list(range(20)) and looked.all()
    assert track.landmarks[:, list(HIPS), 3].min() > 0.95
    assert np.allclose(time_s, np.arange(20) * 1001 / 24000) and np.array_equal(time_s, track.time_s)
    hips_x = track.hip_xy[:, 0]
    assert np.sum(steps["dx_px"][1:]) == pytest.approx(hips_x[-1] - hips_x[0], abs=0.1 * track.torso_px)
    assert facts["frames"] == facts["looked"] == facts["detected"] == 20 and facts["detection_rate"] == 1
    assert facts["hip_visibility"] == pytest.approx(track.landmarks[:, list(HIPS), 3].mean())
    assert facts["tracks"] == 1 and facts["device"] == "cpu" and facts["device_note"] == ""


def test_the_model_looks_at_every_third_frame_and_motion_uses_all(videos: Path, tmp_path: Path) -> None:
    video = videos / "moonwalk.mp4"
    clip = decoded(video, tmp_path / "clip", 19)
    facts = estimate_pose(request(video, clip, PoseConf(every=3)), tmp_path, lambda _: None)
    (track,) = read_tracks(tmp_path / "people.parquet", tmp_path / "clothes.parquet")
    _, looked, _ = read_looked(tmp_path / "looked.parquet")
    at, steps = read_steps(tmp_path / "steps.parquet", [1])[1]
    assert np.flatnonzero(looked).tolist() == track.frames.tolist() == list(range(0, 19, 3))
    assert at.tolist() == list(range(19)) and np.isfinite(steps["dx_px"][1:]).all()
    assert steps["carried_frames"][1:7].tolist() == [0, 1, 2, 0, 1, 2]
    assert (facts["frames"], facts["looked"], facts["detected"], facts["detection_rate"]) == (19, 7, 7, 1.0)


def test_damage_that_the_decoder_covers_up_is_told(videos: Path, tmp_path: Path) -> None:
    video = scratched(videos / "moonwalk.mp4", tmp_path / "moonwalk.mp4", packet=6)
    facts = estimate_pose(request(video, decoded(video, tmp_path / "clip", 12)), tmp_path, lambda _: None)
    (note,) = facts["notes"]
    assert note.startswith("1 frame is damaged at 0.") and note.endswith("; copy or download the file again")


def test_a_clip_without_a_person_is_an_error_with_the_number_of_frames(videos: Path, tmp_path: Path) -> None:
    video = videos / "thermal_vfr_no_person.mp4"
    with pytest.raises(NobodyFound, match=r"^no person found in 84 frames; "):
        estimate_pose(request(video, decoded(video, tmp_path / "clip")), tmp_path, lambda _: None)


@pytest.mark.parametrize(("repeated", "told"), [(1, "1 of 30 frames repeats"), (6, "6 of 30 frames repeat")])
def test_repeated_frames_are_told_in_the_right_number(repeated: int, told: str) -> None:
    (note,) = note_of_repeated(30, repeated)
    assert note.startswith(f"{told} the one before, ")


def test_stopping_ends_the_stage_at_once(videos: Path, tmp_path: Path) -> None:
    def tick(done: int) -> None:
        if done == 3:
            raise Interrupted("stopped")

    video = videos / "moonwalk.mp4"
    with pytest.raises(Interrupted):
        estimate_pose(request(video, decoded(video, tmp_path / "clip")), tmp_path, tick)


@pytest.mark.parametrize(("setting", "value"), [("every", 0), ("people", 0), ("people", 9)])
def test_impossible_settings_are_refused(setting: str, value: int) -> None:
    with pytest.raises(SettingError, match=rf"pose\.{setting}: .*{value}.*; give "):
        PoseConf(**{setting: value})  # type: ignore[arg-type]
