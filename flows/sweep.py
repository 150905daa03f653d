"""The settings of a sweep: the overrides of each, and the name of its results folder."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final

from conf.config import Config, SweepConf
from conf.machines import RunnerConf
from conf.validation import require
from flows.config.overrides import TYPED_NAMES
from tasks.cache.keys import canonical

MAX_FOLDER_NAME_BYTES: Final = 180  # file systems allow 255, and overrides may be of any length
# One value for a whole run: a sweep over these would be several runs.
RUN_WIDE_SETTINGS: Final = ("output_dir", "cache_dir", "server", "workers", "shard", "storage", "plan")
RUN_WIDE_SECTIONS: Final = (("runner", RunnerConf), ("sweep", SweepConf))
NAMELESS_SETTINGS: Final = (*RUN_WIDE_SETTINGS, "runner", "sweep", "video")  # not part of a sweep setting's name


@dataclass(frozen=True)
class SweepSetting:
    """One combination of overrides, and its name; the name is empty in a run that has only one."""

    name: str
    overrides: list[str]


def name_settings(jobs: Sequence[Sequence[str]], fixed: Collection[str]) -> list[SweepSetting]:
    """A setting for each job's overrides, named by those that are not ``fixed`` for the whole sweep.

    Videos and folders are not part of a name: jobs that differ only in these share one.
    """
    overrides_by_name: dict[str, list[str]] = {}
    settings = []
    for job in jobs:
        overrides = [override for override in job if override.partition("=")[0].split(".")[0] not in NAMELESS_SETTINGS]
        name = _folder_name([override for override in overrides if override not in fixed] or overrides)
        if overrides_by_name.setdefault(name, overrides) != overrides:
            name += f"-{_digest(overrides)}"
        settings.append(SweepSetting(name, list(job)))
    return settings


def merge_equal_settings(settings: Sequence[SweepSetting], configs: Sequence[Config]) -> list[SweepSetting]:
    """For each setting the first with the same configuration: ``5`` may be written ``05``."""
    first: dict[str, SweepSetting] = {}
    return [first.setdefault(repr(config), setting) for setting, config in zip(settings, configs, strict=True)]


def distinct_settings(settings: Sequence[SweepSetting]) -> list[SweepSetting]:
    """Each setting once, in order."""
    return [setting for number, setting in enumerate(settings) if setting not in settings[:number]]


def check_run_wide(configs: Sequence[Config]) -> None:
    """``SettingError`` where the configurations of a sweep differ in a value that holds for the whole run."""
    sections = [f"{name}.{item.name}" for name, kind in RUN_WIDE_SECTIONS for item in fields(kind)]
    for name in (*RUN_WIDE_SETTINGS, *sections):
        values = list(dict.fromkeys(_as_text(attrgetter(name)(config)) for config in configs))
        fact = f"a sweep is one run and cannot have {' and '.join(values)}"
        require(len(values) == 1, name, fact, "give one value")


def _as_text(value: Any) -> str:
    plain = canonical(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _as_typed(override: str) -> str:
    """An override with the name by which it is known on the command line."""
    name, equals, value = override.partition("=")
    return f"{TYPED_NAMES.get(name, name)}{equals}{value}"


def _folder_name(overrides: list[str]) -> str:
    name = (
        ",".join(map(_as_typed, overrides)).replace("/", "_").replace("\\", "").replace('"', "").replace("'", "")
        or "default"
    )
    if len(name.encode()) <= MAX_FOLDER_NAME_BYTES:
        return name
    return f"{name.encode()[: MAX_FOLDER_NAME_BYTES - 9].decode(errors='ignore')}-{_digest(overrides)}"


def _digest(overrides: list[str]) -> str:
    return hashlib.sha256("\0".join(overrides).encode()).hexdigest()[:8]
