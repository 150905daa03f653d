"""decode.frames=memory: the same results with one decoding, and a sentence where the frames do not fit."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support import program


@pytest.fixture
def home(tmp_path: Path, videos: Path) -> Path:
    shutil.copy(videos / "moonwalk.mp4", tmp_path)
    return tmp_path


def test_held_frames_give_the_same_pose_and_a_clip_that_does_not_fit_is_streamed(home: Path, api: str) -> None:
    poses = {}
    for name, settings in {
        "stream": [],
        "memory": ["decode.frames=memory"],
        "small": ["decode.frames=memory", "decode.memory_mb=10"],
    }.items():
        done = program.run(
            "video=moonwalk.mp4", "outputs=[pose,masks]", f"output_dir={name}", *settings, cwd=home, api=api
        )
        assert done.status == 0, done.err
        folder = home / name / "moonwalk"
        poses[name] = ((folder / "pose.parquet").read_bytes(), (folder / "masks.npz").read_bytes())
        said = "they were streamed" in done.out and "they were streamed" in json.dumps(
            program.record(folder)["warnings"]
        )
        assert said is (name == "small")
    assert poses["stream"] == poses["memory"] == poses["small"]


def test_frames_in_memory_are_another_way_to_the_same_cache_entries(home: Path, api: str) -> None:
    assert program.run("video=moonwalk.mp4", "outputs=[pose]", cwd=home, api=api).status == 0
    again = program.run("video=moonwalk.mp4", "outputs=[pose]", "decode.frames=memory", cwd=home, api=api)
    assert again.status == 0
    assert program.ran(home / "outputs" / "moonwalk") <= {"decode"}
