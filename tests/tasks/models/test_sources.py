"""Where models come from, and what is said if they are nowhere."""

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import ModelError
from tasks.models import sources
from tasks.models.sources import POSE_MODELS, mask_model_names, model_digests, model_files


@pytest.mark.parametrize("name", ["full", "general", "landscape"])
def test_the_default_models_are_installed(name: str) -> None:
    files = model_files(name, None)
    assert len(files) == (2 if name in POSE_MODELS else 1)
    assert all(path.is_file() for path in files)


@pytest.mark.parametrize(("name", "command"), [("full", "stillwalk models"), ("heavy", "stillwalk models --extra")])
def test_a_missing_model_is_one_line_with_its_cure(
    name: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "INSTALLED_FOLDER", tmp_path)
    with pytest.raises(ModelError) as caught:
        model_files(name, None)
    line = str(caught.value)
    assert line.startswith("pose.model: the model '") and "\n" not in line
    assert f"models.dir to a folder with pose_landmarker_{name}.task" in line
    assert f"is not installed; type `{command}`" in line


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"models\.dir: .*nowhere is not a folder"):
        model_files("full", str(tmp_path / "nowhere"))


def test_the_folder_comes_before_the_installed_models_and_a_bundle_before_its_parts(tmp_path: Path) -> None:
    parts = [tmp_path / "pose_detection.tflite", tmp_path / "pose_landmark_full.tflite"]
    for path in parts:
        path.touch()
    assert model_files("full", str(tmp_path)) == tuple(parts)
    bundle = tmp_path / "pose_landmarker_full.task"
    bundle.touch()
    assert model_files("full", str(tmp_path)) == (bundle,)
    assert model_files("general", str(tmp_path)) == model_files("general", None)


def test_the_digest_follows_the_bytes(tmp_path: Path) -> None:
    folder = str(tmp_path)
    for name, content in (("heavy", b"one"), ("lite", b"two")):
        (tmp_path / f"pose_landmarker_{name}.task").write_bytes(content)
    digests = model_digests(("lite", "heavy"), folder)
    assert list(digests) == ["lite", "heavy"] and digests["lite"] != digests["heavy"]
    (tmp_path / "pose_landmarker_lite.task").write_bytes(b"one")
    changed = model_digests(("lite", "heavy"), folder)
    assert changed["lite"] == changed["heavy"] == digests["heavy"]


def test_the_models_of_the_masks_follow_the_settings() -> None:
    assert mask_model_names("general", "selfie_box", None) == ("general",)
    assert mask_model_names("general", "selfie_frame", 30.0) == ("general", "landscape")
    assert mask_model_names("landscape", "selfie_box", 30.0) == ("landscape",)
    assert mask_model_names("general", "landmarker", None) == ()


def test_a_digest_needs_no_import_of_mediapipe() -> None:
    code = "import sys; from tasks.models.sources import model_digests as d; d(['full', 'general'], None)"
    check = f"{code}; sys.exit(sorted({{'mediapipe', 'numpy', 'cv2'}} & set(sys.modules)))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", check], cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr.strip() in ("", "[]"), done.stderr
