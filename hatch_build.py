"""Builds the wheel: ``flows``, ``tasks`` and ``conf`` become ``stillwalk.flows`` and so on.

Those three names are too common to be claimed in the environment of another project. In the repository the modules
import each other by them; the copies in the wheel are rewritten. An editable install uses the repository as it is.
"""

import ast
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "stillwalk"
MOVED = ("conf", "flows", "tasks")
SHIPPED = (".css", ".html", ".js", ".py", ".typed", ".yaml")
_NAMES = "|".join(MOVED)
_IMPORT = re.compile(rf"^(\s*from )({_NAMES})(?=[.\s])", re.MULTILINE)
_TEXT = re.compile(
    rf"""(["'])({_NAMES})\.(?=["'{{]|[a-z_]+[.:"'])"""
)  # "tasks.decode:decode", f"tasks.exports.{{name}}"


def moved_source(source: str, name: str) -> str:
    """A module with the names of our packages as they are in the wheel; ``ValueError`` where one would be left."""
    moved = _TEXT.sub(rf"\1{PACKAGE}.\2.", _IMPORT.sub(rf"\1{PACKAGE}.\2", source))
    for node in ast.walk(ast.parse(moved)):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        else:
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if left := [one for one in named if one.partition(".")[0] in MOVED]:
            raise ValueError(f"{name}: {left[0]} is imported in another form; write: from package import name")
    return moved


def write_package(root: Path, target: Path) -> None:
    """Write into ``target`` all that the package ``stillwalk`` of the wheel holds; ``root``: the repository."""
    for folder in (PACKAGE, *MOVED):
        for file in sorted((root / folder).rglob("*")):
            place = file.relative_to(root / PACKAGE if folder == PACKAGE else root)
            if file.suffix not in SHIPPED or "__pycache__" in place.parts:
                continue
            copy = target / place
            copy.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".py":
                copy.write_text(moved_source(file.read_text(encoding="utf-8"), str(place)), encoding="utf-8")
            else:
                shutil.copyfile(file, copy)


class WheelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Gives hatchling the rewritten copies."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the package into the wheel, unless an editable one is built."""
        if version == "editable":
            return
        self._copies = tempfile.TemporaryDirectory()
        write_package(Path(self.root), Path(self._copies.name))
        build_data["force_include"][self._copies.name] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copies."""
        if version != "editable":
            self._copies.cleanup()
