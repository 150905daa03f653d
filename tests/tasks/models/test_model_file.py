"""The bundle made from the installed models."""

import io
import zipfile
from pathlib import Path

import pytest

from tasks.errors import ModelError
from tasks.models.model_file import pose_bundle
from tasks.models.sources import model_files


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return pose_bundle(model_files("full", None))


def test_equal_files_give_equal_bytes(bundle: bytes) -> None:
    assert pose_bundle(model_files("full", None)) == bundle


def test_members_are_uncompressed_aligned_and_have_mediapipes_names(bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert archive.namelist() == ["pose_detector.tflite", "pose_landmarks_detector.tflite"]
        assert archive.testzip() is None
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert bundle.find(archive.read(entry)) % 16 == 0


def test_a_bundle_is_returned_unchanged(bundle: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pose_landmarker_full.task"
    path.write_bytes(bundle)
    assert pose_bundle((path,)) == bundle


def test_a_file_that_is_not_a_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pose.task"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(ModelError, match=r"pose\.task: is not a \.task bundle"):
        pose_bundle((path,))
    with pytest.raises(ModelError, match=r"pose\.task: is not a TFLite model"):
        pose_bundle((path, path))
    with pytest.raises(ModelError, match="cannot be read"):
        pose_bundle((tmp_path / "missing.task",))
