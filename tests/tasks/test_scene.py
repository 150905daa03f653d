"""The scene stage on a real clip, from the files of the pose stage."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from conf.enums import Device
from conf.input import DecodeConf, ModelsConf, PoseConf
from tasks.decode import decode
from tasks.media.files.camera_file import read_camera
from tasks.media.files.masks_file import read_masks
from tasks.media.files.plates_file import PlateFile
from tasks.media.files.tables import write_json
from tasks.pose import estimate_pose
from tasks.records import Artifact, DecodedClip, read_clip
from tasks.requests import DecodeRequest, PoseRequest, SceneRequest
from tasks.scene import build_scene
from tests.support.artifacts import artifact

FRAMES = 30


@pytest.fixture(scope="module")
def walked(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> SceneRequest:
    """The request for the first frames of a walk."""
    return request_for(videos / "moonwalk.mp4", tmp_path_factory.mktemp("scene"), FRAMES)


def request_for(video: Path, home: Path, frames: int) -> SceneRequest:
    """The request for this many frames of a video."""
    folders = {name: home / name for name in ("decode", "pose")}
    for folder in folders.values():
        folder.mkdir()
    decode(DecodeRequest(video, "digest", DecodeConf()), folders["decode"], lambda _: None)
    clip = read_clip(artifact("decode", folders["decode"]))
    write_json(folders["decode"] / "clip.json", asdict(replace(clip, frames=frames)))
    decoded: Artifact[DecodedClip] = artifact("decode", folders["decode"])
    request = PoseRequest(video, decoded, PoseConf(), ModelsConf(), {}, Device.cpu)
    estimate_pose(request, folders["pose"], lambda _: None)
    return SceneRequest(video, clip=decoded, found=artifact("pose", folders["pose"]))


def test_the_pose_stage_measures_the_cameras_pan(walked: SceneRequest) -> None:
    path, time_s = read_camera(walked.found.path("camera.parquet"))
    assert path.frames == len(time_s) == FRAMES
    assert path.group.max() == 0
    assert 10 < path.to_scene[-1, 0, 2] < 80  # the floor moves about 125 px in 63 frames, slower at first


def test_plates_show_the_floor_without_the_man(walked: SceneRequest, tmp_path: Path) -> None:
    ticks: list[int] = []
    facts = build_scene(walked, tmp_path, ticks.append)
    assert ticks == list(range(1, FRAMES + 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["camera.parquet", "hidden.npz", "plates.zip"]
    assert facts["plates"] == len(PlateFile(tmp_path / "plates.zip", read_clip(walked.clip).size_px).frames) >= 2
    assert facts["aligned"] == 1 and facts["notes"] == []
    hidden = [mask.probability for mask in read_masks(tmp_path / "hidden.npz")]
    assert len(hidden) == FRAMES and all(mask.any() for mask in hidden)
    plate = PlateFile(tmp_path / "plates.zip", read_clip(walked.clip).size_px).read(0)
    rows, columns = np.nonzero(hidden[0][80:300])  # the white shirt is the only bright thing on the dark stage
    scale = 1084 / hidden[0].shape[1]
    shirt = plate.planes[0][
        ((rows + 80) * scale).astype(int) - plate.box.y0, (columns * scale).astype(int) - plate.box.x0
    ]
    assert np.mean(shirt > 150) < 0.05


def test_the_same_clip_gives_the_same_bytes(walked: SceneRequest, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        build_scene(walked, tmp_path / name, lambda _: None)
    for file in ("plates.zip", "hidden.npz"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_single_frame_has_no_others_that_it_could_fit(videos: Path, tmp_path: Path) -> None:
    request, folder = request_for(videos / "moonwalk.mp4", tmp_path, 1), tmp_path / "scene"
    folder.mkdir()
    assert build_scene(request, folder, lambda _: None)["notes"] == []
