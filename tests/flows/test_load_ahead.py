"""What is loaded while the server starts: the code of stages that have to run, and no other."""

import shutil
from pathlib import Path
from typing import cast

import pytest

from conf.config import Config
from conf.enums import Runner
from conf.machines import RunnerConf
from flows import load_ahead, run
from flows.config import settings
from flows.prefect_server.own_server import OwnServer
from flows.sweep import SweepSetting
from flows.videos import Video
from tasks.errors import SettingError
from tasks.execution import progress
from tests.support.done import DIGESTS, do_all, done_job


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions that are loaded, and the pose model whose bundle is made."""
    settings.register_schema()
    monkeypatch.setattr("flows.preflight.find_model_digests", lambda _: DIGESTS)
    names: list[str] = []
    monkeypatch.setattr(load_ahead, "function_of", names.append)
    monkeypatch.setattr(load_ahead, "model_files", lambda name, _: f"model:{name}")
    monkeypatch.setattr(load_ahead, "pose_bundle", names.append)
    return names


@pytest.fixture
def config(tmp_path: Path, loaded: list[str]) -> Config:
    (tmp_path / "a.mp4").write_bytes(b"a")
    return settings.load([f"video={tmp_path / 'a.mp4'}"])


def load(config: Config, folder: Path) -> None:
    load_ahead.load_ahead(config, Video("a", folder / "a.mp4"), folder / "cache")


def test_the_code_of_all_stages_but_the_charts_is_loaded_where_nothing_is_cached(
    tmp_path: Path, config: Config, loaded: list[str]
) -> None:
    load(config, tmp_path)
    modules = {name.partition(":")[0] for name in loaded}
    assert modules >= {"tasks.decode", "tasks.pose", "tasks.scene", "tasks.render"} and loaded[-1] == "model:full"
    assert "tasks.rendering.charts" not in modules  # it loads matplotlib
    assert not (tmp_path / "cache").exists()


def test_nothing_is_loaded_where_all_is_cached(tmp_path: Path, config: Config, loaded: list[str]) -> None:
    do_all(tmp_path / "cache", [done_job(tmp_path / "a.mp4", config)])
    load(config, tmp_path)
    assert not loaded


def test_stages_behind_a_missing_one_are_loaded_and_those_before_it_are_not(
    tmp_path: Path, config: Config, loaded: list[str]
) -> None:
    do_all(tmp_path / "cache", [done_job(tmp_path / "a.mp4", config)])
    shutil.rmtree(tmp_path / "cache" / "trajectory")
    load(config, tmp_path)
    modules = {name.partition(":")[0] for name in loaded}
    assert modules >= {"tasks.trajectory", "tasks.render"}
    assert modules.isdisjoint({"tasks.decode", "tasks.pose", "model"})


def test_nothing_is_loaded_where_stages_are_computed_elsewhere(
    tmp_path: Path, config: Config, loaded: list[str]
) -> None:
    load(Config(video=config.video, runner=RunnerConf(kind=Runner.processes)), tmp_path)
    assert not loaded


def test_a_video_that_cannot_be_read_is_left_to_the_run(tmp_path: Path, config: Config, loaded: list[str]) -> None:
    (tmp_path / "a.mp4").unlink()
    load(config, tmp_path)
    assert not loaded


def test_who_waits_for_the_server_is_not_told_that_the_video_is_read(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    class Heard(progress.Silent):
        def doing(self, what: str) -> None:
            told.append(what)

    class Slow:
        def wait(self) -> None:
            raise SettingError(f"while {told[-1]}")

    monkeypatch.setattr(progress, "listener", Heard())
    monkeypatch.setattr(run, "keep_what_is_loaded", lambda: None)
    place, first = ("outputs", str(tmp_path / "cache"), "run"), Video("a", tmp_path / "a.mp4")
    with pytest.raises(SettingError, match="while waiting for the Prefect server"):
        run._flow_run([SweepSetting("", [])], config, place, first, cast(OwnServer, Slow()))
    assert told[0] == "reading a.mp4, 1 byte"
