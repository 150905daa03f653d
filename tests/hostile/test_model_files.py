"""Damaged and foreign model files in ``models.dir`` are one line each. MediaPipe itself may end the process on them."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import ModelError
from tasks.models.model_file import pose_bundle, read_selfie_model
from tasks.models.sources import model_files
from tests.support.program import DEMO, ROOT, run

SELFIE = model_files("general", None)[0]
DETECTOR, LANDMARKS = model_files("full", None)


def without_metadata(model: bytes) -> bytes:
    """The same network. Its metadata has another name, which MediaPipe does not find."""
    assert model.count(b"TFLITE_METADATA") == 1
    return model.replace(b"TFLITE_METADATA", b"OTHERS_METADATA")


def broken_metadata(model: bytes) -> bytes:
    """The metadata's first table lies far outside the file."""
    at = model.index(b"M001") - 4
    return model[:at] + b"\xff\xff\xff\x7f" + model[at + 4 :]


FAULTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "without metadata": (without_metadata, "without the metadata that MediaPipe needs"),
    "broken metadata": (broken_metadata, "is damaged or incomplete"),
    "half": (lambda model: model[: len(model) // 2], "is damaged or incomplete"),
    "first bytes": (lambda model: model[:8], "is damaged or incomplete"),
    "empty": (lambda _: b"", "is not a TFLite model"),
    "web page": (lambda _: b"<html>not found</html>", "is not a TFLite model"),
    "zeros": (lambda model: model[:8] + bytes(5000), "is damaged or incomplete"),
    "another kind": (lambda _: DETECTOR.read_bytes(), "is not a segmentation model"),
    "another kind without metadata": (lambda _: LANDMARKS.read_bytes(), "is not a segmentation model"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_selfie_model_that_cannot_be_used_is_one_line(fault: str, tmp_path: Path) -> None:
    spoil, fact = FAULTS[fault]
    path = tmp_path / "selfie_segmenter.tflite"
    path.write_bytes(spoil(SELFIE.read_bytes()))
    with pytest.raises(ModelError) as caught:
        read_selfie_model(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and fact in line and "; " in line and "\n" not in line


@pytest.mark.parametrize("content", [LANDMARKS.read_bytes()[:-5000], SELFIE.read_bytes()[:2000], b"TFL3", b""])
def test_a_damaged_landmark_model_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pose_landmark_full.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"pose_landmark_full\.tflite: is (damaged or incomplete|not a TFLite model);"):
        pose_bundle((DETECTOR, path))


def bundle_of(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.tflite", content)
    return path


def test_a_bundle_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    detector, landmarks = DETECTOR.read_bytes(), LANDMARKS.read_bytes()
    whole = pose_bundle((DETECTOR, LANDMARKS))
    path = tmp_path / "pose_landmarker_full.task"
    spoiled: list[tuple[Callable[[], object], str]] = [
        (lambda: path.write_bytes(whole[: len(whole) // 2]), "is not a .task bundle"),
        (lambda: bundle_of(path, pose_detector=detector), "holds no pose_landmarks_detector.tflite"),
        (lambda: bundle_of(path, hand_detector=detector), "holds no pose_detector.tflite"),
        (lambda: bundle_of(path, pose_detector=detector, pose_landmarks_detector=landmarks), "without the metadata"),
        (lambda: bundle_of(path, pose_detector=detector, pose_landmarks_detector=b"TFL3"), "is not a TFLite model"),
    ]
    for spoil, fact in spoiled:
        spoil()
        pose_bundle((DETECTOR, LANDMARKS))  # the last bundle is kept by name: another one between
        with pytest.raises(ModelError) as caught:
            pose_bundle((path,))
        line = str(caught.value)
        assert line.startswith(str(path)) and fact in line and "\n" not in line


def test_what_mediapipe_refuses_is_one_line_that_names_the_files(tmp_path: Path) -> None:
    """A pose model with its parts exchanged passes our checks. A process of its own: a crash would end the tests."""
    for source, name in ((LANDMARKS, "pose_detection.tflite"), (DETECTOR, "pose_landmark_full.tflite")):
        (tmp_path / name).write_bytes(source.read_bytes())
    code = (
        "import sys; from pathlib import Path; from tasks.models.pose import open_pose_estimator as opened\n"
        "try:\n    with opened(tuple(map(Path, sys.argv[1:])), device='cpu'): pass\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    files = [str(tmp_path / name) for name in ("pose_detection.tflite", "pose_landmark_full.tflite")]
    done = subprocess.run([sys.executable, "-c", code, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"ModelError {files[0]} with {files[1]}: MediaPipe cannot load the model (")
    assert done.stdout.count("\n") == 1


def test_a_run_with_a_selfie_model_without_metadata_fails_with_one_line(
    finished: Path, tmp_path: Path, api: str
) -> None:
    for stage in ("demo", "decode", "pose", "people", "subject"):
        shutil.copytree(finished / "outputs" / ".cache" / stage, tmp_path / "out" / ".cache" / stage)
    models = tmp_path / "models"
    models.mkdir()
    (models / "selfie_segmenter.tflite").write_bytes(without_metadata(SELFIE.read_bytes()))
    ended = run(*DEMO, "outputs=[person]", f"models.dir={models}", "output_dir=out", cwd=tmp_path, api=api)
    assert ended.status == 1, ended.err
    assert "selfie_segmenter.tflite: is a TFLite model without the metadata" in ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err
