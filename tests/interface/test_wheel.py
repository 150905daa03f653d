"""The wheel claims no name but ours, and works beside the ``tasks``, ``flows`` and ``conf`` of another project."""

import ast
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import hatch_build

ROOT = Path(__file__).parents[2]
OTHERS = ("conf", "flows", "tasks")
BUILD = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
USE = """
import json, sys
from stillwalk import stabilize
settings = {"demo": {"seconds": 0.4, "width": 320, "height": 240}, "outputs": ["stabilized", "masks", "pose"]}
found = stabilize("demo", ["pose.people=1"], output_dir="out", **settings)
masks, frames = found.masks, found.frames()
print(json.dumps({
    "frames": [len(frames), *frames[0].shape],
    "masks": [len(masks), *masks[0].shape],
    "landmarks": found.pose.xy_px.shape,
    "others": sorted(set(sys.modules) & {"conf", "flows", "tasks"}),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_claims_no_name_but_ours(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        imported = {
            name
            for member in names
            if member.endswith(".py")
            for node in ast.walk(ast.parse(archive.read(member)))
            if isinstance(node, ast.ImportFrom)
            for name in [str(node.module).partition(".")[0]]
        }
        commands = archive.read("stillwalk-0.2.0.dist-info/entry_points.txt").decode()
    assert {name.partition("/")[0] for name in names} == {"stillwalk", "stillwalk-0.2.0.dist-info"}
    assert not imported & set(OTHERS)
    assert "stillwalk = stillwalk.__main__:main" in commands
    assert {"stillwalk/py.typed", "stillwalk/conf/config.yaml", "stillwalk/flows/templates/report.js"} <= set(names)


def test_the_wheel_asks_for_one_owner_of_the_folder_of_opencv(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = Parser().parsestr(archive.read("stillwalk-0.2.0.dist-info/METADATA").decode())
    wanted = [one for one in about.get_all("Requires-Dist", []) if one.startswith("opencv") and "extra" not in one]
    assert [one.partition("<")[0].partition(">")[0] for one in wanted] == ["opencv-contrib-python"]


def test_an_installation_with_uv_brings_what_the_wheel_asks_for() -> None:
    """In the folder of the source, uv reads ``[tool.uv]`` too: what is excluded there for the lock is not installed."""
    assert "exclude-dependencies" not in tomllib.loads((ROOT / "pyproject.toml").read_text()).get("tool", {}).get(
        "uv", {}
    )


def test_names_are_moved_in_imports_and_in_texts_and_nowhere_else() -> None:
    source = (
        'from tasks.decode import decode\nfrom conf import enums\ncompute = f"tasks.exports.{1}"\nto = "tasks and"\n'
    )
    moved = hatch_build.moved_source(source, "x.py")
    assert moved.splitlines() == [
        "from stillwalk.tasks.decode import decode",
        "from stillwalk.conf import enums",
        'compute = f"stillwalk.tasks.exports.{1}"',
        'to = "tasks and"',
    ]
    with pytest.raises(ValueError, match=r"x.py: tasks.decode is imported in another form"):
        hatch_build.moved_source("import tasks.decode\n", "x.py")


def test_it_runs_beside_another_projects_packages_of_the_same_names(wheel: Path, tmp_path: Path, api: str) -> None:
    for name in OTHERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('this is the package of another project')\n")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    paths = os.pathsep.join([str(installed), str(tmp_path)])
    environment = {**os.environ, "PYTHONPATH": paths, "PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path / "prefect")}
    ended = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "frames": [12, 240, 320, 3],
        "masks": [12, 240, 320],
        "landmarks": [12, 33, 2],
        "others": [],
    }
    assert (tmp_path / "out" / "demo" / "run.json").is_file()
