"""Presets that set several groups at once, ``preset=portrait``: the program's own and those of a user.

A preset is a YAML file in a folder ``preset``. Its first comment says what it is for.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flows.config.overrides import CONF_FOLDER
from flows.config.yaml_files import MOST_BYTES
from tasks.untrusted.json_file import read_bytes
from tasks.untrusted.paths import expand_home

GROUP = "preset"


class Preset(NamedTuple):
    """One preset as help shows it."""

    name: str
    sentence: str  # what it is for; empty where its file does not say so


def user_folder() -> Path:
    """Where a user's own folder ``preset`` lies: ``$XDG_CONFIG_HOME/stillwalk``, else ``~/.config/stillwalk``."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else expand_home("~/.config")) / "stillwalk"


def presets() -> list[Preset]:
    """All presets by name; one of the program's own comes before one of a user with the same name."""
    own = {preset.name: preset for preset in own_presets()}
    both = {preset.name: preset for preset in _presets_in(user_folder() / GROUP)} | own
    return [both[name] for name in sorted(both)]


def own_presets() -> list[Preset]:
    """The program's own, by name."""
    return _presets_in(CONF_FOLDER / GROUP)


def _presets_in(folder: Path) -> list[Preset]:
    return [Preset(path.stem, _sentence(path)) for path in sorted(folder.glob("*.yaml"))]


def _sentence(path: Path) -> str:
    """The first comment that is no instruction for Hydra; empty where there is none."""
    return next((line for line in _comments(path) if not line.startswith("@")), "")


def _comments(path: Path) -> Iterator[str]:
    try:
        lines = read_bytes(path, MOST_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        if line.startswith("#"):
            yield line.lstrip("# ").strip()
