"""A model is downloaded once, and checked against its first checksum."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tasks.errors import ModelError
from tasks.models.download import MODEL_URLS, downloaded_model


def address(tmp_path: Path, content: bytes) -> str:
    source = tmp_path / "far" / "pose_landmarker_heavy.task"
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(content)
    return source.as_uri()


def test_a_model_is_downloaded_once_and_kept(tmp_path: Path) -> None:
    source, folder = address(tmp_path, b"model"), tmp_path / "models"
    path = downloaded_model("heavy", address=source, folder=folder)
    assert path.read_bytes() == b"model"
    (tmp_path / "far" / "pose_landmarker_heavy.task").unlink()
    assert downloaded_model("heavy", address=source, folder=folder) == path
    assert sorted(item.name for item in folder.iterdir()) == [path.name, f"{path.name}.sha256"]


def test_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    source, folder = address(tmp_path, b"model"), tmp_path / "models"
    downloaded_model("heavy", address=source, folder=folder).write_bytes(b"other")
    with pytest.raises(ModelError, match="does not match its checksum"):
        downloaded_model("heavy", address=source, folder=folder)


def test_other_bytes_from_the_same_address_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    downloaded_model("heavy", address=address(tmp_path, b"model"), folder=folder).unlink()
    with pytest.raises(ModelError, match="sends other bytes"):
        downloaded_model("heavy", address=address(tmp_path, b"other"), folder=folder)
    assert not (folder / "pose_landmarker_heavy.task").exists()


def test_an_unreachable_address_is_one_sentence(tmp_path: Path) -> None:
    nowhere = (tmp_path / "nowhere.task").as_uri()
    with pytest.raises(
        ModelError, match=r"cannot be downloaded from .*; connect to the internet once, or set models\.dir"
    ):
        downloaded_model("heavy", address=nowhere, folder=tmp_path / "models")
    assert not (tmp_path / "models").exists()


class CutOff(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"ten bytes.")

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_an_incomplete_download_is_one_sentence(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), CutOff) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        source = f"http://127.0.0.1:{server.server_port}/pose_landmarker_heavy.task"
        with pytest.raises(
            ModelError, match=r"cannot be downloaded from .*IncompleteRead.*; connect to the internet once"
        ):
            downloaded_model("heavy", address=source, folder=tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_every_address_has_a_version_and_https() -> None:
    for name, source in MODEL_URLS.items():
        assert source.startswith("https://") and "/1/" in source, name
