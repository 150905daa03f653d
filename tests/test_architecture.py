"""What the import contracts in pyproject.toml cannot say. `lint-imports` (in `make check`) tests the contracts."""

import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import flows
import tasks

ROOT = Path(__file__).parents[1]
OWN_PACKAGES = ("conf", "flows", "stillwalk", "tasks")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OWN_PACKAGES, include_external_packages=True, cache_dir=None)


def test_maths_imports_no_library_but_numpy_and_scipy(graph: grimp.ImportGraph) -> None:
    modules = graph.find_descendants("tasks.maths")
    imported = {name for module in modules for name in graph.find_modules_directly_imported_by(module)}
    assert imported - graph.find_descendants("tasks") - sys.stdlib_module_names <= {"numpy", "scipy"}


def test_no_module_imports_itself_through_others(graph: grimp.ImportGraph) -> None:
    TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in graph.modules}).prepare()


def test_the_packages_are_those_of_this_repository() -> None:
    assert Path(str(flows.__file__)).is_relative_to(ROOT)
    assert Path(str(tasks.__file__)).is_relative_to(ROOT)
