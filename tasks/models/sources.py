"""Where model files come from: the user's folder, the mediapipe wheel, or a download, in this order.

Models have names: ``lite``, ``full``, ``heavy`` (pose), ``general``, ``landscape`` (selfie segmentation). Nothing here
imports MediaPipe, so that settings can be checked and cache keys made within milliseconds.
"""

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tasks.errors import ModelError
from tasks.models.download import MODEL_URLS, downloaded_model, is_downloaded
from tasks.paths import expand_home, is_file, is_folder

POSE_MODELS: Final = ("lite", "full", "heavy")

_WHEEL: Final = {  # paths below the wheel's modules/; a pose model's two files are its detector and its landmark model
    "full": ("pose_detection/pose_detection.tflite", "pose_landmark/pose_landmark_full.tflite"),
    "general": ("selfie_segmentation/selfie_segmentation.tflite",),
    "landscape": ("selfie_segmentation/selfie_segmentation_landscape.tflite",),
}
_FOLDER: Final = {  # what a user's folder may hold; the first match wins
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


def model_files(name: str, folder: str | None, download: bool) -> tuple[Path, ...]:
    """The file of model ``name``. A pose model that is not a bundle has two: detector and landmark model.

    ``folder`` is searched first, then the wheel, then, if ``download`` is true, the official address. ``ModelError`` if
    the model is nowhere.
    """
    files = _local_files(name, folder)
    if not files and download and name in MODEL_URLS:
        files = (downloaded_model(name),)
    if not files:
        raise ModelError(_missing(name, folder))
    return files


def models_to_download(names: Iterable[str], folder: str | None) -> list[str]:
    """The names of those models that ``model_files`` would download. ``ModelError`` if ``folder`` is not a folder."""
    absent = [name for name in names if name in MODEL_URLS and not _local_files(name, folder)]
    return [name for name in absent if not is_downloaded(name)]


def _local_files(name: str, folder: str | None) -> tuple[Path, ...]:
    """The files of a model in ``folder`` or in the wheel. Empty if it is in neither."""
    if folder is not None and not is_folder(expand_home(folder)):
        raise ModelError(f"models.dir: {folder} is not a folder; give one that holds the model files, or null")
    for files in (*_in_folder(name, folder), *_in_wheel(name)):
        if all(map(is_file, files)):
            return files
    return ()


def model_digests(names: Iterable[str], folder: str | None, download: bool) -> dict[str, str]:
    """sha256 of each model's bytes, by name, for cache keys. ``ModelError`` as in ``model_files``."""
    digests = {}
    for name in names:
        whole = hashlib.sha256()
        for path in model_files(name, folder, download):
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


def _in_folder(name: str, folder: str | None) -> Iterable[tuple[Path, ...]]:
    if folder is None:
        return ()
    root = expand_home(folder)
    return [tuple(root / part for part in files) for files in _FOLDER[name]]


def _in_wheel(name: str) -> Iterable[tuple[Path, ...]]:
    spec = find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations or name not in _WHEEL:
        return ()
    modules = Path(spec.submodule_search_locations[0]) / "modules"
    return [tuple(modules / part for part in _WHEEL[name])]


def _missing(name: str, folder: str | None) -> str:
    setting = "pose.model" if name in POSE_MODELS else "masks.model"
    wanted = " or ".join(" with ".join(files) for files in _FOLDER[name][:2])
    where = f"{folder} nor in " if folder is not None else ""
    cure = f"set models.dir to a folder that holds {wanted}"
    if name in MODEL_URLS:
        cure += ", or models.download=true"
    neither = "is neither in " if where else "is not in "
    return f"{setting}: the model '{name}' {neither}{where}the mediapipe {version('mediapipe')} wheel; {cure}"
