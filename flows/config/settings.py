"""Composes the configuration from overrides and YAML files and checks it; any mistake becomes one line."""

import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conf.config import Config
from flows.config.error_lines import FOREIGN_CONFIG, explain, unknown_setting_line
from flows.config.overrides import CONF_FOLDER, TYPED_NAMES, check_one_preset, check_overrides, in_hydras_form
from flows.config.schema import (
    extreme_settings,
    nested_items,
    non_finite_settings,
    substituted_names,
    unknown_settings,
)
from flows.config.unused_settings import Unused, reset_unused
from flows.config.yaml_files import register_source
from tasks.errors import SettingError
from tasks.untrusted.paths import absolute_path

PROJECT_FOLDER: Final = Path(__file__).parents[2]
IMPORT_FOLDER: Final = Path(__file__).parents[__name__.count(".")]  # from which Python imports this program
IS_INSTALLED: Final = IMPORT_FOLDER != PROJECT_FOLDER  # as the package stillwalk; else it runs from its repository
PLUGIN_FOLDER: Final = PROJECT_FOLDER / "flows" / "plugins"  # on Python's path Hydra finds the sweep launcher there
MOST_PERSON_PRESETS: Final = 99  # subject=1 to subject=99; subject.person= takes larger numbers too
SWEEP_LAUNCHER: Final = "hydra_plugins.stillwalk_launcher.FlowLauncher"


def prefect_home() -> Path:
    """Where Prefect keeps its database unless ``PREFECT_HOME`` says so: in the repository, or with the user's state."""
    if not IS_INSTALLED:
        return PROJECT_FOLDER / "outputs" / ".prefect"
    return absolute_path(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "stillwalk" / "prefect"


def child_environment() -> dict[str, str]:
    """The environment of a process that imports this program; an installed one is found anyway."""
    if IS_INSTALLED:
        return dict(os.environ)
    path = os.pathsep.join(filter(None, [str(IMPORT_FOLDER), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


@cache  # 20 ms each time
def register_schema() -> None:
    """Make the settings, the launcher of sweeps and the reader of YAML files known to Hydra, once in a process."""
    register_source()
    ConfigStore.instance().store(name="schema", node=Config)
    ConfigStore.instance().store(group="hydra/launcher", name="stillwalk", node={"_target_": SWEEP_LAUNCHER})
    for number in range(1, MOST_PERSON_PRESETS + 1):
        ConfigStore.instance().store(group="subject", name=str(number), node={"person": number})


def load(overrides: list[str]) -> Config:
    """Compose and check the configuration; ``SettingError`` of one line for any mistake in it.

    Settings that have no effect have their defaults. Equal overrides give the same object; do not change it.
    """
    return _load(tuple(overrides))[0]


def unused_setting_lines(overrides: list[list[str]]) -> list[str]:
    """A line for each setting that has no effect, although it was given, in any of the settings of a run."""
    lines = [_unused_lines(one) for one in overrides]
    return [line for name, line in lines[0].items() if all(name in other for other in lines)]


def _unused_lines(overrides: list[str]) -> dict[str, str]:
    """The lines of one setting of a run, by name.

    None for what a preset or a file gives, where the setting that makes it useless was typed: that cannot be left out.
    """
    typed = {override.partition("=")[0] for override in overrides}
    unused = _load(tuple(overrides))[1]
    return {
        name: one.line
        for name, one in unused.items()
        if name in typed or not typed & {one.decided_by, one.decided_by.partition(".")[0]}
    }


@cache  # a sweep asks twice for each setting, at 45 ms each
def _load(overrides: tuple[str, ...]) -> tuple[Config, dict[str, Unused]]:
    """The configuration, and the settings without an effect, by name."""
    overrides = tuple(map(in_hydras_form, overrides))  # Hydra's range(1,3) gives numbers without quotes
    check_overrides(overrides)
    check_one_preset(overrides)
    # Made last: making it initializes Hydra, and only leaving it undoes that.
    context: AbstractContextManager[object] = (
        nullcontext()
        if GlobalHydra.instance().is_initialized()
        else initialize_config_dir(str(CONF_FOLDER), version_base="1.3")
    )
    try:
        with context:
            composed = compose(_config_name(), overrides=list(overrides))
            _check_substitutes(cast(dict[str, Any], OmegaConf.to_container(composed)))
            values = cast(dict[str, Any], OmegaConf.to_container(composed, resolve=True))
            _check_values(values)
            config = OmegaConf.to_object(composed)
            _check_extremes(values)  # last: most settings have bounds of their own
    except (HydraException, OmegaConfBaseException, OverflowError, RecursionError) as error:
        raise SettingError(explain(error)) from error
    if not isinstance(config, Config):
        raise SettingError(FOREIGN_CONFIG)
    return config, reset_unused(config)


def _check_substitutes(composed: dict[str, Any]) -> None:
    """``SettingError`` for a ``${...}`` in the place of a list or of a group of settings."""
    for name in substituted_names(composed):
        raise SettingError(f"{name}: a ${{...}} cannot stand for all of it; give the values themselves")


def _check_values(composed: dict[str, Any]) -> None:
    """``SettingError`` for what OmegaConf accepts although no setting can use it."""
    for name in unknown_settings(composed):
        raise SettingError(unknown_setting_line(name))
    for name in non_finite_settings(composed):
        raise SettingError(f"{TYPED_NAMES.get(name, name)}: this is not a finite number; give one, such as 1.5")
    for name, item in nested_items(composed):
        raise SettingError(f"{name}: its list contains {item}; give plain values, each without brackets")


def _check_extremes(composed: dict[str, Any]) -> None:
    """``SettingError`` for numbers that no computation can use."""
    for name, number in extreme_settings(composed):
        if abs(number) < 1:
            raise SettingError(f"{name}: the number {number} is too near to 0; give 0 or a larger one")
        raise SettingError(f"{name}: the number {str(number)[:20]} is too large; give a smaller one")


def _config_name() -> str:
    """The file that ``--config-name`` names, or ours."""
    return str(HydraConfig.get().job.config_name) if HydraConfig.initialized() else "config"
