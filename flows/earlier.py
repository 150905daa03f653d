"""What a sweep of the same name has done before: it is gone on with, and never mixed with something else."""

from collections.abc import Sequence
from typing import Any

from conf.checks import require
from flows.report.page import flat
from flows.settings import load
from flows.sweeps import UNNAMED, Setting
from tasks.errors import SettingError
from tasks.keys import canonical

# What shapes no path and none of the files: which of them there are, and how the frames are held.
UNSHAPING = (*UNNAMED, "outputs", "verify", "decode.frames", "decode.memory_mb", "models.dir", "models.download")


def check_goes_on(asked: Sequence[Setting], index: dict[str, Any]) -> None:
    """``SettingError`` where a setting would overwrite results of its name that were made with other overrides.

    ``index`` is the sweep's own of before, or empty. Settings of which it knows no overrides, or none that this version
    understands, are not compared.
    """
    done = {row["setting"] for row in index.get("rows", []) if not row["error"]}
    known = {one["setting"]: one.get("overrides", []) for one in index.get("settings", []) if one["setting"] in done}
    for setting in asked:
        before = known.get(setting.name)
        if before and _shaping(before) != _shaping(setting.overrides):
            _check_same(index["name"], setting, before)


def _shaping(overrides: Sequence[str]) -> list[str]:
    return [override for override in overrides if _shapes(override.partition("=")[0])]


def _shapes(name: str) -> bool:
    return name.split(".")[0] not in UNSHAPING and name not in UNSHAPING


def _check_same(sweep: str, setting: Setting, before: list[str]) -> None:
    """Compare the values that the overrides come to: one of them may say what is so by default."""
    try:
        then = dict(flat(canonical(load(before))))
    except SettingError:
        return
    for name, now in flat(canonical(load(setting.overrides))):
        if _shapes(name):
            fact = f"the sweep {sweep} holds {setting.name} with {then.get(name)}, and this is {now}"
            require(then.get(name) == now, name, fact, "give another sweep.name=")
