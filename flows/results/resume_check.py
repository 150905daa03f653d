"""What a sweep of the same name has done before: it is gone on with, and never mixed with something else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conf.checks import require
from flows.config.settings import load
from flows.report.page import flat
from flows.results.result import RECORD, read_record
from flows.sweep import UNNAMED, Setting
from tasks.cache.keys import canonical
from tasks.errors import SettingError

# What shapes no path and none of the files: which of them there are, and how the frames are held.
UNSHAPING = (*UNNAMED, "outputs", "verify", "decode.frames", "decode.memory_mb", "models.dir", "models.download")


def check_goes_on(asked: Sequence[Setting], index: dict[str, Any], folder: Path) -> None:
    """``SettingError`` where a setting would overwrite results of its name that were made with other overrides.

    ``index`` is the sweep's own of before, or empty. Where it knows no overrides of a setting, as after one that was
    killed, the record of a result in the sweep's ``folder`` tells the values. What is known of neither, or only to
    another version, is not compared.
    """
    done = {row["setting"] for row in index.get("rows", []) if not row["error"]}
    known = {one["setting"]: one.get("overrides", []) for one in index.get("settings", []) if one["setting"] in done}
    for setting in asked:
        before = known.get(setting.name)
        if before and _shaping(before) == _shaping(setting.overrides):
            continue
        _check_same(folder.name, setting, _values(before) if before else _recorded(folder / setting.name))


def _shaping(overrides: Sequence[str]) -> list[str]:
    return [override for override in overrides if _shapes(override.partition("=")[0])]


def _shapes(name: str) -> bool:
    return name.split(".")[0] not in UNSHAPING and name not in UNSHAPING


def _check_same(sweep: str, setting: Setting, then: dict[str, str]) -> None:
    """Compare the values that the overrides come to: one of them may say what is so by default."""
    for name, now in flat(canonical(load(setting.overrides))) if then else ():
        if _shapes(name) and name in then:
            fact = f"the sweep {sweep} holds {setting.name} with {then[name]}, and this is {now}"
            require(then[name] == now, name, fact, "give another sweep.name=")


def _values(overrides: list[str]) -> dict[str, str]:
    """What they come to, by the settings' dotted names; empty where this version does not understand them."""
    try:
        return dict(flat(canonical(load(overrides))))
    except SettingError:
        return {}


def _recorded(folder: Path) -> dict[str, str]:
    """The same of the first result that lies in a setting's folder; empty without one."""
    places = sorted(path.parent for path in folder.glob(f"*/{RECORD}"))
    records = (record for place in places if not (record := read_record(place)).get("error", "unknown"))
    return dict(flat(next(records, {}).get("config", {})))
