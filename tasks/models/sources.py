"""Where model files come from: the user's folder, then the folder of the installed models.

Models have names: ``lite``, ``full``, ``heavy`` (pose), ``general``, ``landscape`` (selfie segmentation). Nothing here
imports MediaPipe, so that settings can be checked and cache keys made within milliseconds.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tasks.errors import ModelError
from tasks.untrusted.paths import expand_home, is_file, is_folder

POSE_MODELS: Final = ("lite", "full", "heavy")

INSTALLED_FOLDER: Final = Path(sys.prefix) / "share" / "stillwalk" / "models"
"""Where ``stillwalk models`` puts the models: in the Python environment, so that they come and go with it."""

_FOLDER: Final = {  # what a folder may hold; the first match wins
    **{
        name: (
            (f"pose_landmarker_{name}.task",),
            ("pose_detection.tflite", f"pose_landmark_{name}.tflite"),
            ("pose_detector.tflite", f"pose_landmark_{name}.tflite"),
        )
        for name in POSE_MODELS
    },
    "general": (("selfie_segmentation.tflite",), ("selfie_segmenter.tflite",)),
    "landscape": (("selfie_segmentation_landscape.tflite",), ("selfie_segmenter_landscape.tflite",)),
}


def model_files(name: str, folder: str | None) -> tuple[Path, ...]:
    """The file of model ``name``. A pose model that is not a bundle has two: detector and landmark model.

    ``folder`` is searched first, then ``INSTALLED_FOLDER``. ``ModelError`` if the model is in neither, or if ``folder``
    is not a folder.
    """
    if folder is not None and not is_folder(expand_home(folder)):
        raise ModelError(f"models.dir: {folder} is not a folder; give one that holds the model files, or null")
    roots = [INSTALLED_FOLDER] if folder is None else [expand_home(folder), INSTALLED_FOLDER]
    for root in roots:
        for names in _FOLDER[name]:
            files = tuple(root / part for part in names)
            if all(map(is_file, files)):
                return files
    raise ModelError(_missing(name, folder))


def model_digests(names: Iterable[str], folder: str | None) -> dict[str, str]:
    """sha256 of each model's bytes, by name, for cache keys. ``ModelError`` as in ``model_files``."""
    digests = {}
    for name in names:
        whole = hashlib.sha256()
        for path in model_files(name, folder):
            whole.update(_digest(path))
        digests[name] = whole.hexdigest()
    return digests


def mask_model_names(model: str, source: str, fallback_fps: float | None) -> tuple[str, ...]:
    """Names of the models that the masks stage may use with these settings."""
    if source == "landmarker":
        return ()  # the pose stage makes these masks
    return tuple(dict.fromkeys((model, "landscape"))) if fallback_fps else (model,)


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _missing(name: str, folder: str | None) -> str:
    setting = "pose.model" if name in POSE_MODELS else "masks.model"
    command = "stillwalk models --extra" if name in ("lite", "heavy") else "stillwalk models"
    where = f"neither in {folder} nor installed" if folder is not None else "not installed"
    holds = " or ".join(" with ".join(files) for files in _FOLDER[name][:2])
    return f"{setting}: the model '{name}' is {where}; type `{command}`, or set models.dir to a folder with {holds}"
