"""A continued sweep overwrites no results that were made with other values."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.config.settings import load, register_schema
from flows.results.sweep_resume import check_resume
from flows.sweep import name_settings
from tasks.cache.keys import canonical
from tasks.errors import SettingError


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    register_schema()


FIXED = ("video=a.mp4", "sweep.name=w", "workers=2", "border=constant")


def index(*fixed: str, error: str = "") -> dict[str, Any]:
    """What a sweep over two windows with ``fixed`` left."""
    jobs = [[*fixed, f"smoothing.window={size}"] for size in (5, 9)]
    settings = [{"setting": one.name, "overrides": one.overrides} for one in name_settings(jobs, set(fixed))]
    rows = [{"setting": setting["setting"], "error": error} for setting in settings]
    return {"name": "w", "settings": settings, "rows": rows}


def resume(
    before: dict[str, Any], *fixed: str, sizes: tuple[int, ...] = (9, 15), folder: Path = Path("nowhere/w")
) -> None:
    check_resume(name_settings([[*fixed, f"smoothing.window={size}"] for size in sizes], set(fixed)), before, folder)


@pytest.mark.parametrize(
    ("fixed", "sentence"),
    [
        (("border=reflect",), 'border.mode: the sweep w holds smoothing.window=9 with "constant", and this is "ref'),
        ((), 'border.mode: the sweep w holds smoothing.window=9 with "constant", and this is "scene"; give another'),
        (("border=constant", "anchor.fusion=false"), "anchor.fusion: the sweep w holds smoothing.window=9 with true"),
    ],
)
def test_a_setting_with_other_fixed_overrides_is_refused(fixed: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        resume(index(*FIXED), "video=a.mp4", "sweep.name=w", *fixed)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).endswith("; give another sweep.name=")


@pytest.mark.parametrize(
    "fixed",
    [
        FIXED,
        ("border=constant", "video=b.mp4", "workers=1", "runner=processes", "sweep.render=none", "server=own"),
        ("border=constant", "outputs=[pose]", "verify=true", "decode.frames=memory"),
        ("video=a.mp4", "border=constant", "anchor.fusion=true", "smoothing=savgol"),  # as it is by default
    ],
)
def test_overrides_with_equal_values_are_accepted(fixed: tuple[str, ...]) -> None:
    resume(index(*FIXED), *fixed)


def test_new_settings_failures_and_unknown_values_are_accepted() -> None:
    resume(index(*FIXED), "border=blur", sizes=(15, 21))
    resume(index(*FIXED, error="broken"), "border=blur")
    resume({}, "border=blur")
    older, foreign = index(*FIXED), index(*FIXED, "lock.of_an_older_version=1")
    for setting in older["settings"]:
        del setting["overrides"]
    resume(older, "border=blur")
    resume(foreign, "border=blur")


def test_a_killed_sweep_is_compared_by_its_records(tmp_path: Path) -> None:
    folder = tmp_path / "w" / "smoothing.window=9" / "a"
    folder.mkdir(parents=True)
    config = canonical(load(["video=a.mp4", "border=constant", "smoothing.window=9"]))
    config["smoothing"].pop("order")  # as of a version that had no such setting
    record = {"video": {"sha256": "0", "path": "a.mp4"}, "config": config}
    (folder / "run.json").write_text(json.dumps(record | {"error": ""}))
    resume({}, "video=b.mp4", "border=constant", folder=tmp_path / "w")
    with pytest.raises(
        SettingError, match=r'border.mode: the sweep w holds smoothing.window=9 with "constant", and this'
    ):
        resume({}, "video=b.mp4", folder=tmp_path / "w")
    (folder / "run.json").write_text(json.dumps(record | {"error": "no person found"}))
    resume({}, "video=b.mp4", folder=tmp_path / "w")
