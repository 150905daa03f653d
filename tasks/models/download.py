"""Download an official model once, and check it against its first checksum at every later use.

The official addresses publish no checksums, so none can be pinned. That is also why pooch is not used: without known
hashes it would verify nothing, and it cannot keep the hash of the first download.
"""

import hashlib
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Final

from tasks.errors import ModelError

DOWNLOAD_FOLDER: Final = Path(__file__).parents[2] / "outputs" / "cache" / "models"
_BASE: Final = "https://storage.googleapis.com/mediapipe-models"
MODEL_URLS: Final = {
    **{
        name: f"{_BASE}/pose_landmarker/pose_landmarker_{name}/float16/1/pose_landmarker_{name}.task"
        for name in ("lite", "full", "heavy")
    },
    "general": f"{_BASE}/image_segmenter/selfie_segmenter/float16/1/selfie_segmenter.tflite",
    "landscape": (f"{_BASE}/image_segmenter/selfie_segmenter_landscape/float16/1/selfie_segmenter_landscape.tflite"),
}
"""Addresses with a version number. Their bytes do not change."""

DOWNLOAD_TIMEOUT_S: Final = 30.0


def is_downloaded(name: str, *, folder: Path = DOWNLOAD_FOLDER) -> bool:
    """Whether the model ``name`` lies in ``folder``."""
    return (folder / _file_name(MODEL_URLS[name])).is_file()


def downloaded_model(name: str, *, address: str | None = None, folder: Path = DOWNLOAD_FOLDER) -> Path:
    """Path of the model ``name`` in ``folder``. It is downloaded from ``address`` if it is not there.

    The sha256 of the first download is kept beside the file, and every use is checked against it. ``ModelError`` if the
    model cannot be downloaded or does not match.
    """
    source = address or MODEL_URLS[name]
    path = folder / _file_name(source)
    record = path.with_name(path.name + ".sha256")
    if not path.is_file():
        _download(source, path, record)
    elif not record.is_file() or record.read_text().strip() != _sha256(path.read_bytes()):
        raise ModelError(f"{path}: does not match its checksum; delete it to download it again")
    return path


def _file_name(source: str) -> str:
    return source.rsplit("/", 1)[-1]


def _download(source: str, path: Path, record: Path) -> None:
    try:
        with urllib.request.urlopen(source, timeout=DOWNLOAD_TIMEOUT_S) as response:
            content = response.read()
            promised = response.headers.get("Content-Length")
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        cure = "connect to the internet once, or set models.dir to a folder that holds it"
        raise ModelError(f"{path.name}: cannot be downloaded from {source} ({reason}); {cure}") from error
    if promised is not None and len(content) != int(promised):
        raise ModelError(f"{path.name}: {len(content)} of {promised} bytes came from {source}; run again")
    found = _sha256(content)
    if record.is_file() and record.read_text().strip() != found:
        raise ModelError(f"{path.name}: {source} now sends other bytes than before; delete {record} to accept them")
    _write(record, f"{found}\n".encode())  # before the model: a model without a record would count as changed
    _write(path, content)


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror}); free space there") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
