"""The settings of a sweep: which overrides each has, and the name that its folder of results bears."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from conf.checks import require
from conf.schema import Config
from conf.sweeping import SweepConf
from tasks.cache.keys import canonical

LONGEST = 180  # bytes of a folder's name; file systems take 255, and Hydra's values may be any length
# What is one for a whole run: a sweep over it would be several runs.
RUN_WIDE = ("output_dir", "cache_dir", "server", "workers", "runner", "plan")
UNNAMED = (*RUN_WIDE, "sweep", "video")


@dataclass(frozen=True)
class Setting:
    """One setting of a run: its overrides, and its name, which is empty where a run has only this one."""

    name: str
    overrides: list[str]


def named(jobs: Sequence[Sequence[str]], fixed: Collection[str]) -> list[Setting]:
    """A setting for each job's overrides, named by those that are not ``fixed`` for the whole sweep.

    Videos and folders name no setting: jobs that differ in nothing else share a name.
    """
    names: dict[str, list[str]] = {}
    settings = []
    for job in jobs:
        told = [override for override in job if override.partition("=")[0].split(".")[0] not in UNNAMED]
        name = _folder_name([override for override in told if override not in fixed] or told)
        if names.setdefault(name, told) != told:
            name += f"-{_digest(told)}"
        settings.append(Setting(name, list(job)))
    return settings


def alike(asked: Sequence[Setting], configs: Sequence[Config]) -> list[Setting]:
    """For each of ``asked``, the first that comes to the same configuration: ``5`` may be written ``05``."""
    first: dict[str, Setting] = {}
    return [first.setdefault(repr(config), setting) for setting, config in zip(asked, configs, strict=True)]


def distinct(asked: Sequence[Setting]) -> list[Setting]:
    """Each setting once, whoever has given a value twice."""
    return [setting for number, setting in enumerate(asked) if setting not in asked[:number]]


def check_run_wide(configs: Sequence[Config]) -> None:
    """``SettingError`` where the settings of a sweep differ in what is one for the whole run."""
    for name in (*RUN_WIDE, *(f"sweep.{item.name}" for item in fields(SweepConf))):
        values = list(dict.fromkeys(_written(attrgetter(name)(config)) for config in configs))
        require(len(values) == 1, name, f"a sweep is one run, which cannot have {' and '.join(values)}", "give one")


def _written(value: Any) -> str:
    plain = canonical(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _folder_name(overrides: list[str]) -> str:
    name = ",".join(overrides).replace("/", "_").replace("\\", "").replace('"', "").replace("'", "") or "default"
    if len(name.encode()) <= LONGEST:
        return name
    return f"{name.encode()[: LONGEST - 9].decode(errors='ignore')}-{_digest(overrides)}"


def _digest(overrides: list[str]) -> str:
    return hashlib.sha256("\0".join(overrides).encode()).hexdigest()[:8]
