"""Whether a sweep of some name may be continued: a setting of its name must have had the same values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from conf.validation import require
from flows.config.settings import load
from flows.report.page import flat_settings
from flows.results.result import PERSON_FOLDERS, RECORD_NAME, read_record
from flows.sweep import NAMELESS_SETTINGS, SweepSetting
from tasks.cache.keys import canonical
from tasks.errors import SettingError

# Settings that change neither the path nor the content of a file.
NEUTRAL_SETTINGS: Final = (
    *NAMELESS_SETTINGS,
    "outputs",
    "verify",
    "decode.frames",
    "decode.memory_mb",
    "models.dir",
)


def check_resume(settings: Sequence[SweepSetting], index: dict[str, Any], folder: Path) -> None:
    """``SettingError`` where a setting would overwrite results of its name that were made with other values.

    ``index`` is the earlier index of the sweep in ``folder``, or empty. Where it has no overrides of a setting, as
    after a killed sweep, the record of one of its results has the values. Values that are not known are not compared.
    """
    done = {row["setting"] for row in index.get("rows", []) if not row["error"]}
    known = {one["setting"]: one.get("overrides", []) for one in index.get("settings", []) if one["setting"] in done}
    for setting in settings:
        before = known.get(setting.name)
        if before and _effective(before) == _effective(setting.overrides):
            continue
        values = _values(before) if before else _recorded_values(folder / setting.name)
        _check_same(folder.name, setting, values)


def _effective(overrides: Sequence[str]) -> list[str]:
    return [override for override in overrides if not _is_neutral(override.partition("=")[0])]


def _is_neutral(name: str) -> bool:
    return name.split(".")[0] in NEUTRAL_SETTINGS or name in NEUTRAL_SETTINGS


def _check_same(sweep_name: str, setting: SweepSetting, before: dict[str, str]) -> None:
    """Compare values, not overrides: an override may repeat a default."""
    for name, now in flat_settings(canonical(load(setting.overrides))) if before else ():
        if not _is_neutral(name) and name in before:
            fact = f"the sweep {sweep_name} holds {setting.name} with {before[name]}, and this is {now}"
            require(before[name] == now, name, fact, "give another sweep.name=")


def _values(overrides: list[str]) -> dict[str, str]:
    """Values of all settings by name; empty where this version does not know the overrides.

    They are read from a file that may come from others: what would look into this machine, or is no setting of ours,
    is not resolved.
    """
    if any("${" in override or override.lstrip("+~").startswith("hydra") for override in overrides):
        return {}
    try:
        return dict(flat_settings(canonical(load(overrides))))
    except SettingError:
        return {}


def _recorded_values(folder: Path) -> dict[str, str]:
    """Values of all settings in the record of the first result in a setting's folder; empty without one."""
    found = [*folder.glob(f"*/{RECORD_NAME}"), *folder.glob(f"*/{PERSON_FOLDERS}/{RECORD_NAME}")]
    places = sorted(path.parent for path in found)
    records = (record for place in places if not (record := read_record(place)).get("error", "unknown"))
    return dict(flat_settings(next(records, {}).get("config", {})))
