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
    "tasks.paths": set(),
    "tasks.execution.progress": {"tasks.errors"},
    "tasks.execution.memory": set(),
    "tasks.execution.scheduler": {"tasks.execution.progress"},
    "tasks.cache.file_stamp": {"tasks.errors"},
    "tasks.requests": {"conf", "tasks.records"},
    "tasks.render_requests": {"conf", "tasks.records", "tasks.requests"},
    "tasks.cache.keys": {"tasks.records", "tasks.requests"},
    "tasks.cache.store": {"tasks.errors", "tasks.paths", "tasks.records"},
    "tasks.cache.integrity": {"tasks.errors", "tasks.records", "tasks.cache.store"},
    "tasks.cache.folders": {"tasks.cache.store"},
    "tasks.cache.entries": {"tasks.records", "tasks.cache.store"},
    "tasks.cache.prune": {"tasks.cache.entries", "tasks.errors", "tasks.cache.store"},
    "tasks.execution.progress_artifact": {"httpx", "prefect", "tasks.execution.progress"},
    "tasks.execution.processes": {
        "tasks.errors",
        "tasks.execution.memory",
        "tasks.execution.progress",
        "tasks.records",
        "tasks.requests",
    },
    "tasks.execution.task": {
        "prefect",
        "tasks.execution.progress_artifact",
        "tasks.execution.memory",
        "tasks.execution.progress",
        "tasks.cache.integrity",
        "tasks.execution.processes",
        "tasks.execution.scheduler",
        "tasks.cache.file_stamp",
        "tasks.cache.store",
        "tasks.cache.keys",
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
        "tasks.paths",
        "tasks.records",
        "tasks.errors",
    },
    "tasks.media.report.charts": {"matplotlib", "numpy", "tasks.errors", "tasks.maths"},
    "tasks.media.report.scatter": {"matplotlib", "tasks.media.report.charts"},
    "tasks.demo": {
        "av",
        "conf",
        "cv2",
        "numpy",
        "scipy",
        "tasks.demo",
        "tasks.errors",
        "tasks.maths",
        "tasks.media",
        "tasks.records",
        "tasks.requests",
    },
    "tasks.models": {
        "cv2",
        "mediapipe",
        "numpy",
        "tasks.maths",
        "tasks.models",
        "tasks.paths",
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
    "flows.config.settings": {"conf", "flows", "hydra", "omegaconf", "tasks"},
    "flows.config.error_lines": {"conf", "flows", "hydra", "omegaconf", "tasks"},
    "flows.cli.arguments": {"conf", "flows", "hydra", "tasks"},
    "flows.stabilize": {"flows"},
    "flows.cli.command": {"flows", "hydra", "omegaconf", "tasks"},
    "flows.prefect_server.monitor": {"prefect", "tasks"},
    "flows.run": {"conf", "flows", "httpx", "prefect", "tasks"},
    "flows.flow": {"conf", "flows", "prefect", "tasks"},
    "flows.graph": {"prefect", "tasks"},
    "flows.plugins": {"flows", "hydra", "omegaconf", "tasks"},
    "flows.prefect_server.artifacts": {"flows", "prefect", "tasks"},
    "flows.prefect_server.serve": {"conf", "flows", "prefect", "tasks"},
    "flows.prefect_server.served_flow": {"flows", "prefect", "tasks"},
    "flows.prefect_server.cancellation": {"flows", "prefect", "tasks"},
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
    assert not any("tasks.media".startswith(rule) for rule in allowed("tasks.maths.path.smoothing"))
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
