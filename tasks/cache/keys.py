"""The key of a stage: what shaped the result, as one hash that names both the cache entry and its folder.

It covers the request's settings, the digests of the artifacts that it takes, the versions of the libraries that
compute, and the source of every module that the computing function reaches by import. Where a second function computes
several requests in one pass, its modules count too. No path and no time is part of a key.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import math
import re
import threading
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from tasks.errors import SettingError
from tasks.records import Artifact
from tasks.requests import UNKEYED, AnyRequest

ROOT = Path(__file__).parents[__name__.count(".")]  # from which our modules are imported
OPENCV = "opencv-python"  # the name in keys, whichever distribution it comes from
INTERFACE = {
    "tasks.errors",
    "tasks.exports.requests",
    "tasks.records",
    "tasks.requests",
    "tasks.untrusted.json_file",
}
"""Modules that only name data and messages: they shape no result, and an edit of them makes nothing again."""


def stage_key(request: AnyRequest) -> str:
    """``<stage>-<24 hex digits>`` of ``request``; ``TypeError`` for a value that has no stable form."""
    blob = json.dumps(shaped_by(request), sort_keys=True, allow_nan=False).encode()
    return f"{request.stage}-{hashlib.sha256(blob).hexdigest()[:24]}"


def shaped_by(request: AnyRequest) -> dict[str, Any]:
    """All that the key is made of, as plain JSON. It is kept beside the result, so that later changes can be named."""
    modules = [name.partition(":")[0] for name in (request.compute, request.compute_together) if name]
    return {
        "compute": request.compute,
        "request": canonical(request),
        "code": {name: digest for module in modules for name, digest in code_digests(module).items()},
        "libraries": {name: library_version(name) for name in request.libraries},
    }


def canonical(value: Any) -> Any:
    """Plain JSON that is equal exactly when the value means the same, in every process."""
    if isinstance(value, Artifact):
        return {"stage": value.stage, "files": {name: file.sha256 for name, file in value.files.items()}}
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: canonical(getattr(value, name)) for name in keyed(type(value))}
    if isinstance(value, dict):
        return {_text(name): canonical(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise TypeError(f"a {type(value).__name__} has no stable form for a cache key: {value!r}")


@lru_cache
def keyed(schema: type[Any]) -> tuple[str, ...]:
    """Names of the fields of a dataclass that shape a result."""
    return tuple(item.name for item in fields(schema) if UNKEYED not in getattr(item.type, "__metadata__", ()))


# ``from a.b import c, d as e``, with or without parentheses, and ``import a.b as c``.
_IMPORT: Final = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.M
)
_COMMENT: Final = re.compile(r"#[^\n]*")

# One thread at a time: the first stages of many videos start together, and each would read all sources.
_reading = threading.Lock()


def code_digests(module: str) -> dict[str, str]:
    """Digest of the source, by name, of ``module`` and all our modules below ``tasks`` that it reaches by import."""
    with _reading:
        return _code_digests(module)


@lru_cache
def _code_digests(module: str) -> dict[str, str]:
    return {name: hashlib.sha256(_source(name).read_bytes()).hexdigest() for name in sorted(_reached(module))}


def _reached(module: str) -> set[str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name))
    return found


@cache  # stages share most of their modules
def _imports(module: str) -> tuple[str, ...]:
    """Our modules named by the import statements of ``module``, wherever in the file they stand.

    Each statement begins a line: ``ruff`` checks that. Parsing the files would take 0.3 s of CPU time in every run.
    """
    named: set[str] = set()
    for statement in _IMPORT.finditer(_source(module).read_text(encoding="utf-8")):
        origin, members, modules = statement.groups()
        names = [
            words.split()[0]
            for words in _COMMENT.sub("", members or modules).strip("()\n ").split(",")
            if words.strip()
        ]
        named |= {origin, *(f"{origin}.{name}" for name in names)} if origin else set(names)
    ours = {name for name in named if name.startswith("tasks.")} - INTERFACE
    return tuple(sorted(name for name in ours if _source(name).is_file()))


def _source(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@lru_cache
def library_version(distribution: str) -> str:
    """Version of an installed library. For OpenCV it is that of the folder ``cv2``, which two distributions own.

    If both are installed, the last one has written the folder. ``SettingError`` if its files are gone, as after the
    removal of one of the two.
    """
    if distribution != OPENCV:
        return importlib.metadata.version(distribution)
    found = importlib.util.find_spec("cv2")  # does not import it
    try:
        stated = Path(found.origin if found and found.origin else "").with_name("version.py").read_text()
    except (OSError, ValueError):
        stated = ""
    version = re.search(r'opencv_version = "([^"]+)"', stated)
    if version is None:
        cure = "run pip install --force-reinstall opencv-contrib-python"
        raise SettingError(f"opencv: the files of the folder cv2 are gone, as after opencv-python was removed; {cure}")
    return version[1]


def _text(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a cache key wants text for names, got {name!r}")
    return name
