import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from conf.demo import DemoConf
from conf.enums import Device
from conf.input import ModelsConf, PoseConf
from conf.lock import AnchorConf, CropConf, SmoothingConf
from tasks.cache import keys
from tasks.errors import SettingError
from tasks.records import Artifact, Content, StoredFile
from tasks.requests import DemoRequest, OffsetsRequest, PoseRequest, Request, TrajectoryRequest


def artifact(stage: str, digest: str = "d0", **changes: Any) -> Artifact[Any]:
    whole: Artifact[Any] = Artifact(stage, "key", "/cache/a", {"file": StoredFile(digest, 1, 2)}, {}, "run", 1.0)
    return replace(whole, **changes)


def pose(source: str = "a.mp4", **changes: Any) -> PoseRequest:
    models = ModelsConf()
    whole = PoseRequest(Path(source), artifact("decode"), PoseConf(), models, {"full": "f0"}, Device.cpu)
    return replace(whole, **changes)


def test_a_path_does_not_shape_the_key_but_bytes_do() -> None:
    assert keys.stage_key(pose("a.mp4")) == keys.stage_key(pose("b/c.mp4"))
    assert keys.stage_key(pose()) != keys.stage_key(pose(clip=artifact("decode", "d1")))


def test_where_and_when_an_artifact_was_made_does_not_shape_the_key() -> None:
    moved = artifact("decode", folder="/elsewhere", run_id="other", seconds=9.0, facts={"fps": 3})
    assert keys.stage_key(pose()) == keys.stage_key(pose(clip=moved))


def test_the_models_bytes_shape_the_key_and_their_folder_does_not() -> None:
    assert keys.stage_key(pose()) != keys.stage_key(pose(model_digests={"full": "f1"}))
    assert keys.stage_key(pose()) == keys.stage_key(pose(models=ModelsConf(dir="/models")))


def test_every_setting_of_a_stage_shapes_its_key() -> None:
    assert keys.stage_key(pose()) != keys.stage_key(pose(settings=PoseConf(min_tracking=0.4)))
    assert keys.stage_key(pose()) != keys.stage_key(pose(device=Device.auto))


def test_stages_with_equal_inputs_have_different_keys() -> None:
    decoded, posed = artifact("decode"), artifact("pose")
    offsets = OffsetsRequest(decoded, posed, AnchorConf(), "center", CropConf())
    path = TrajectoryRequest(decoded, posed, posed, SmoothingConf(), CropConf())
    assert keys.stage_key(offsets).startswith("offsets-")
    assert keys.stage_key(path).startswith("trajectory-")


def test_the_key_is_the_same_in_every_process() -> None:
    program = (
        "from tasks.cache.keys import stage_key; from tasks.requests import DemoRequest; "
        "from conf.config import DemoConf;"
        "print(stage_key(DemoRequest(DemoConf())))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(keys.ROOT)},
            cwd=keys.ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {keys.stage_key(DemoRequest(DemoConf()))}


@dataclass(frozen=True)
class Odd(Request[Content]):
    stage: ClassVar[str] = "odd"
    compute: ClassVar[str] = "tasks.demo.demo_video:draw_demo"
    libraries: ClassVar[tuple[str, ...]] = ()
    value: Any = None


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), Path("a"), b"x", {1: 2}])
def test_a_value_without_a_stable_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        keys.stage_key(Odd(value))


def write(root: Path, module: str, text: str) -> None:
    path = root.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write(tmp_path, "tasks.render", "from tasks.media.planes import shift\nfrom tasks.errors import X\n")
    write(tmp_path, "tasks.media.planes.shift", "def f():\n    import tasks.maths.path.affine\n")
    write(tmp_path, "tasks.maths.path.affine", "A = 1\n")
    write(tmp_path, "tasks.maths.metrics.lock_metrics", "B = 1\n")
    write(tmp_path, "tasks.errors", "X = 1\n")
    monkeypatch.setattr(keys, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    """As in a new process."""
    keys._code_digests.cache_clear()
    keys._imports.cache_clear()


@pytest.mark.parametrize(
    ("edited", "changes"),
    [
        ("tasks.maths.path.affine", True),
        ("tasks.media.planes.shift", True),
        ("tasks.maths.metrics.lock_metrics", False),
        ("tasks.errors", False),
    ],
)
def test_an_edit_anywhere_in_reach_changes_the_digest_of_the_code(tree: Path, edited: str, changes: bool) -> None:
    before = keys.code_digests("tasks.render")
    forget()
    write(tree, edited, "A = 2\n" if changes else "B = 2\n")
    after = keys.code_digests("tasks.render")
    assert (before != after) is changes


def test_the_imports_that_shape_keys_are_those_that_python_finds() -> None:
    for path in (keys.ROOT / "tasks").rglob("*.py"):
        module = ".".join(path.relative_to(keys.ROOT).with_suffix("").parts).removesuffix(".__init__")
        named: set[str] = set()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        ours = {name for name in named if name.startswith("tasks.")} - keys.INTERFACE
        assert set(keys._imports(module)) == {name for name in ours if keys._source(name).is_file()}, module


@pytest.mark.parametrize("contrib", ["True", "False"])
def test_the_version_of_opencv_is_that_of_its_folder_whichever_distribution_wrote_it(
    contrib: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").touch()
    (tmp_path / "cv2" / "version.py").write_text(f'opencv_version = "4.99.0.1"\ncontrib = {contrib}\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    assert keys.library_version.__wrapped__("opencv-python") == "4.99.0.1"
    (tmp_path / "cv2" / "version.py").unlink()
    with pytest.raises(SettingError, match=r"the files of the folder cv2 are gone, .* pip install --force-reinstall"):
        keys.library_version.__wrapped__("opencv-python")
