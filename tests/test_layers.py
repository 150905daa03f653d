"""Arrows point down, read from the source: who may import what, and that no import comes back."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Longest prefix wins. Names are top-level libraries, or ours with their dots.
MAY_IMPORT = {
    "conf": {"conf", "omegaconf", "tasks.errors", "tasks.records"},
    "tasks.errors": set(),
    "tasks.records": set(),
    "tasks.places": set(),
    "tasks.progress": {"tasks.errors"},
    "tasks.memory": set(),
    "tasks.turns": {"tasks.progress"},
    "tasks.stamps": {"tasks.errors"},
    "tasks.requests": {"conf", "tasks.records"},
    "tasks.render_requests": {"conf", "tasks.records", "tasks.requests"},
    "tasks.keys": {"tasks.records", "tasks.requests"},
    "tasks.store": {"tasks.errors", "tasks.places", "tasks.records"},
    "tasks.proof": {"tasks.errors", "tasks.records", "tasks.store"},
    "tasks.folders": {"tasks.store"},
    "tasks.entries": {"tasks.records", "tasks.store"},
    "tasks.prune": {"tasks.entries", "tasks.errors", "tasks.store"},
    "tasks.board": {"httpx", "prefect", "tasks.progress"},
    "tasks.workers": {"tasks.errors", "tasks.memory", "tasks.progress", "tasks.records", "tasks.requests"},
    "tasks.stage": {
        "prefect",
        "tasks.board",
        "tasks.memory",
        "tasks.progress",
        "tasks.proof",
        "tasks.workers",
        "tasks.turns",
        "tasks.stamps",
        "tasks.store",
        "tasks.keys",
        "tasks.records",
        "tasks.requests",
    },
    "tasks.maths": {"numpy", "scipy", "tasks.maths", "tasks.records", "tasks.errors"},
    "tasks.media": {
        "av",
        "cv2",
        "numpy",
        "pyarrow",
        "tasks.maths",
        "tasks.media",
        "tasks.places",
        "tasks.records",
        "tasks.errors",
    },
    "tasks.media.charts": {"matplotlib", "numpy", "tasks.errors", "tasks.maths"},
    "tasks.media.scatter": {"matplotlib", "tasks.media.charts"},
    "tasks.models": {
        "cv2",
        "mediapipe",
        "numpy",
        "tasks.maths",
        "tasks.models",
        "tasks.places",
        "tasks.records",
        "tasks.errors",
    },
    "tasks": {
        "conf",
        "numpy",
        "tasks.maths",
        "tasks.media",
        "tasks.models",
        "tasks.records",
        "tasks.render_requests",
        "tasks.requests",
        "tasks.errors",
    },
    "flows": {"conf", "flows", "jinja2", "markupsafe", "rich", "tasks"},
    "flows.settings": {"conf", "flows", "hydra", "omegaconf", "tasks"},
    "flows.explain": {"conf", "flows", "hydra", "omegaconf", "tasks"},
    "flows.arguments": {"conf", "flows", "hydra", "tasks"},
    "flows.stabilize": {"flows"},
    "flows.command": {"flows", "hydra", "omegaconf", "tasks"},
    "flows.living": {"prefect", "tasks"},
    "flows.run": {"conf", "flows", "httpx", "prefect", "tasks"},
    "flows.flow": {"conf", "flows", "prefect", "tasks"},
    "flows.graph": {"prefect", "tasks"},
    "flows.plugins": {"flows", "hydra", "omegaconf", "tasks"},
    "flows.notices": {"flows", "prefect", "tasks"},
    "flows.serve": {"conf", "flows", "prefect", "tasks"},
    "flows.served": {"flows", "prefect", "tasks"},
    "flows.watch": {"flows", "prefect", "tasks"},
}
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("conf", "flows", "tasks")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "__init__.py"
)


def imports(module: str) -> Iterator[str]:
    tree = ast.parse(ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in names)


def allowed(module: str) -> set[str]:
    prefixes = [prefix for prefix in MAY_IMPORT if module == prefix or module.startswith(prefix + ".")]
    return MAY_IMPORT[max(prefixes, key=len)]


def forbidden(module: str) -> list[str]:
    rules = allowed(module)
    foreign = {name for name in imports(module) if name.split(".")[0] not in sys.stdlib_module_names}
    return sorted(name for name in foreign if not any(name == rule or name.startswith(rule + ".") for rule in rules))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_the_layers_below_it(module: str) -> None:
    assert forbidden(module) == []


def test_the_rule_catches_an_arrow_that_points_up() -> None:
    assert not any("tasks.media".startswith(rule) for rule in allowed("tasks.maths.smoothing"))
    assert "prefect" not in allowed("tasks.render")


def test_no_module_imports_itself_through_others() -> None:
    arrows = {module: {name for name in imports(module) if name in MODULES} for module in MODULES}

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(arrows[start])
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting.extend(arrows[name])
        return seen

    assert [module for module in MODULES if module in reach(module)] == []


def test_the_packages_are_those_of_this_repository() -> None:
    import flows
    import tasks

    assert Path(str(flows.__file__)).is_relative_to(ROOT)
    assert Path(str(tasks.__file__)).is_relative_to(ROOT)
