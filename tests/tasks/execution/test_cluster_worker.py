"""What a worker of a cluster refuses, and how folders that have other names there come and go in messages."""

import importlib.metadata
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from conf.input import DecodeConf, ModelsConf
from tasks.cache.keys import library_version
from tasks.errors import UnreadableFile, VideoError
from tasks.execution import cluster_worker
from tasks.execution.cluster_worker import ANOTHER_VERSION, SIGN, Reply
from tasks.execution.computation import Computation
from tasks.records import Tick
from tasks.requests import AnyRequest, DecodeRequest, PoseRequest, TrajectoryRequest
from tests.support.artifacts import artifact
from tests.support.worker_stages import ThriftyRequest, WorkerRequest

Ask = Callable[..., Reply]


@dataclass(frozen=True)
class ModelRequest(WorkerRequest):
    """A request that uses models."""

    models: ModelsConf
    model_digests: dict[str, str]
    stage: ClassVar[str] = "models"


def nobody(_: int) -> None: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "here" / "work"
    work.mkdir(parents=True)
    return work


@pytest.fixture
def ask(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """What a worker in this process replies to a request."""
    monkeypatch.setattr(cluster_worker, "APPEARS_S", 0.0)

    def reply(request: AnyRequest, paths: dict[str, str] | None = None, *, is_wanted: bool = True) -> Reply:
        (folder / SIGN).write_text("sign")
        order = cluster_worker.sent(Computation([request], [folder]), paths or {}, "sign")
        return cluster_worker.answered(cluster_worker.packed(order), nobody, lambda: is_wanted)

    return reply


def test_what_is_made_lies_in_the_folder_when_the_worker_replies(ask: Ask, folder: Path) -> None:
    assert ask(WorkerRequest("write")).sizes == [{"made": 4}]
    assert sorted(path.name for path in folder.iterdir()) == [SIGN, "made"]
    assert cluster_worker.await_files(folder, {"made": 4})
    assert [path.name for path in folder.iterdir()] == ["made"]


def test_files_that_do_not_appear_are_not_taken_for_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_worker, "APPEARS_S", 0.0)
    (folder / "made").write_text("half")
    assert not cluster_worker.await_files(folder, {"made": 5})


def test_one_that_was_given_up_for_dead_leaves_nothing_in_the_folder(ask: Ask, folder: Path) -> None:
    ask(WorkerRequest("write"), is_wanted=False)
    assert [path.name for path in folder.iterdir()] == [SIGN]


def test_an_order_that_cannot_be_read_comes_from_another_version() -> None:
    assert cluster_worker.answered(b"from another time", nobody, lambda: True).refusal == ANOTHER_VERSION
    assert pickle.loads(pickle.dumps(Reply("no"))) == Reply("no")


def test_a_worker_that_does_not_see_the_folder_or_the_video_refuses(ask: Ask, folder: Path, tmp_path: Path) -> None:
    nowhere = ask(WorkerRequest("write"), {str(folder.parent): str(tmp_path / "there")})
    assert nowhere.refusal.startswith(f"it does not see {tmp_path / 'there' / 'work'}; share the folder with it, or")
    (tmp_path / "there" / "work").mkdir(parents=True)
    (tmp_path / "there" / "work" / SIGN).write_text("of another disk")
    assert ask(WorkerRequest("write"), {str(folder.parent): str(tmp_path / "there")}).refusal == nowhere.refusal
    video = tmp_path / "videos" / "a.mp4"
    video.parent.mkdir()
    video.write_bytes(b"walk")
    decode, paths = DecodeRequest(video, "d" * 64, DecodeConf()), {str(video.parent): str(tmp_path / "mnt")}
    assert ask(decode, paths).refusal.startswith(f"it does not see {tmp_path / 'mnt' / 'a.mp4'}; share the file")
    (tmp_path / "mnt").mkdir()
    (tmp_path / "mnt" / "a.mp4").write_bytes(b"another")
    assert ask(decode, paths).refusal.startswith(f"{tmp_path / 'mnt' / 'a.mp4'} is another file there; share")


def test_folders_of_other_names_are_used_there_and_the_users_names_are_told(
    ask: Ask, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").symlink_to(folder.parent)
    video = folder.parent / "a.mp4"
    video.write_bytes(b"walk")
    seen: list[Path] = []

    def decode(request: DecodeRequest, attempt: Path, tick: Tick) -> dict[str, Any]:
        seen.extend((request.source, attempt.parent))
        raise VideoError(f"{request.source}: no video; see {attempt / 'log'} and {tmp_path}/there2")

    monkeypatch.setattr("tasks.decode.decode", decode)
    monkeypatch.chdir(folder.parent)
    reply = ask(DecodeRequest(Path("a.mp4"), "d" * 64, DecodeConf()), {str(folder.parent): str(tmp_path / "there")})
    assert seen == [tmp_path / "there" / "a.mp4", tmp_path / "there" / "work"]
    (error,) = reply.outcomes
    assert isinstance(error, VideoError)
    assert str(error) == f"a.mp4: no video; see {folder}/log and {tmp_path}/there2"


def test_a_stored_file_that_cannot_be_read_there_is_known_here_by_the_users_name(
    ask: Ask, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "there").symlink_to(folder.parent)
    kept = folder.parent / "kept"
    kept.mkdir()
    (kept / "made").write_text("made")
    request = ThriftyRequest("misread", given=artifact("kept", kept))
    (error,) = pickle.loads(pickle.dumps(ask(request, {str(folder.parent): str(tmp_path / "there")}))).outcomes
    assert isinstance(error, UnreadableFile)
    assert (error.path, error.why) == (kept / "made", "a box in it is empty")


def test_of_two_folders_the_inner_one_says_where_a_path_is() -> None:
    paths = {"/data": "/mnt/data", "/data/cache": "/scratch"}
    assert cluster_worker.moved(Path("/data/cache/pose"), paths) == Path("/scratch/pose")
    assert cluster_worker.moved(Path("/data/a.mp4"), paths) == Path("/mnt/data/a.mp4")
    assert cluster_worker.moved(Path("/database/a.mp4"), paths) == Path("/database/a.mp4")


def test_a_worker_with_another_model_or_none_refuses(ask: Ask, tmp_path: Path) -> None:
    line = "its file of the model 'general' is another one; type `stillwalk models` there"
    (tmp_path / "selfie_segmentation.tflite").write_bytes(b"a model")
    own = ModelsConf(str(tmp_path))
    assert ask(ModelRequest("write", own, {"general": "of other bytes"})).refusal == line
    missing = ask(ModelRequest("write", ModelsConf(str(tmp_path / "none")), {"general": ""})).refusal
    assert missing.startswith(f"there, models.dir: {tmp_path / 'none'} is not a folder")


def test_a_library_of_another_version_is_named() -> None:
    own = cluster_worker.own_build()
    assert set(own.libraries) >= {*PoseRequest.libraries, *TrajectoryRequest.libraries}
    assert cluster_worker.build_refusal(own) == ""
    other = cluster_worker.Build(own.source, {"rawvideo": "2"})
    assert cluster_worker.build_refusal(other).startswith("it lacks rawvideo 2; install the same libraries there")


def test_opencv_counts_by_its_own_version_whichever_distribution_brought_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(distribution: str) -> str:
        raise importlib.metadata.PackageNotFoundError(distribution)

    monkeypatch.setattr(
        importlib.metadata, "version", not_installed
    )  # as where mediapipe brought opencv-contrib-python
    assert cluster_worker.own_build.__wrapped__().libraries["opencv-python"] == library_version("opencv-python") != ""
