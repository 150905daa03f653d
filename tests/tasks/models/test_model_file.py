"""The bundle made from the installed models."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mediapipe.tasks.metadata import schema_py_generated as schema

from tasks.errors import ModelError
from tasks.models.model_file import inspect_tflite, pose_bundle
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


def test_a_member_holds_the_whole_file_unchanged_and_aligned(bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        for name, file in zip(archive.namelist(), model_files("full", None), strict=True):
            assert archive.read(name).find(file.read_bytes()) % 16 == 0


def test_a_member_is_the_files_model_with_metadata(bundle: bytes) -> None:
    """Read by the format's own tables: every field but the two longer lists is the same."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        for name, file in zip(archive.namelist(), model_files("full", None), strict=True):
            made, given = (
                schema.Model.GetRootAsModel(content, 0) for content in (archive.read(name), file.read_bytes())
            )
            assert made.Version() == given.Version()
            assert made.Description() == given.Description()
            assert made.OperatorCodesLength() == given.OperatorCodesLength()
            assert made.SubgraphsLength() == given.SubgraphsLength()
            assert made.Subgraphs(0).OperatorsLength() == given.Subgraphs(0).OperatorsLength()
            assert made.BuffersLength() == given.BuffersLength() + 1
            for index in range(given.BuffersLength()):
                assert np.array_equal(made.Buffers(index).DataAsNumpy(), given.Buffers(index).DataAsNumpy())
            assert made.MetadataLength() == given.MetadataLength() + 1
            assert inspect_tflite(name, archive.read(name)).has_metadata


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
