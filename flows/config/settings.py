"""From overrides to a checked ``Config``, and from any mistake in them to one line."""

import re
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conf.schema import Config
from flows.cli import arguments
from flows.config.error_lines import FOREIGN, explain, unknown_setting
from flows.config.value_rules import endless, nested, unknown_names
from tasks.errors import SettingError
from tasks.paths import exists

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
PLUGINS = ROOT / "flows" / "plugins"  # to be on Python's path where Hydra is to find the launcher of sweeps

LAUNCHER = "hydra_plugins.stillwalk.FlowLauncher"
PATHS = {"video", "output_dir", "cache_dir", "models.dir", "background.image"}


def register() -> None:
    """Make the schema known to Hydra, which gives every setting its type, and the name of the sweeps' launcher."""
    ConfigStore.instance().store(name="schema", node=Config)
    ConfigStore.instance().store(group="hydra/launcher", name="stillwalk", node={"_target_": LAUNCHER})


def load(overrides: list[str]) -> Config:
    """Compose and check the configuration; ``SettingError`` of one line for anything wrong in it.

    Equal overrides give the very same object, which nobody changes.
    """
    return _loaded(tuple(overrides))


@cache  # a sweep's settings are wanted before the run and in it, at 45 ms each
def _loaded(overrides: tuple[str, ...]) -> Config:
    ready: AbstractContextManager[object] = (
        nullcontext()
        if GlobalHydra.instance().is_initialized()
        else initialize_config_dir(str(CONF), version_base="1.3")
    )
    arguments.check(overrides)
    try:
        with ready:
            composed = compose(_config_name(), overrides=list(overrides))
            given = cast(dict[str, Any], OmegaConf.to_container(composed))
            for name in unknown_names(given, Config):
                raise SettingError(unknown_setting(name))
            for name in endless(given):
                raise SettingError(f"{name}: this is not a finite number; give one, such as 1.5")
            for name, item in nested(given, Config):
                raise SettingError(f"{name}: {item} stands in its list; give plain values, each without brackets")
            config = OmegaConf.to_object(composed)
    except (HydraException, OmegaConfBaseException, OverflowError) as error:
        raise SettingError(explain(error)) from error
    if not isinstance(config, Config):
        raise SettingError(FOREIGN)
    return config


def _config_name() -> str:
    """The file that ``--config-name`` names, or ours."""
    return str(HydraConfig.get().job.config_name) if HydraConfig.initialized() else "config"


def as_given(overrides: ListConfig) -> list[str]:
    """Hydra's list of a run's overrides, word for word: read plainly, it would give what ``${...}`` in them means."""
    return cast(list[str], OmegaConf.to_container(overrides, resolve=False))


def combinations(overrides: list[str]) -> tuple[list[list[str]], set[str]]:
    """What ``-m`` makes of overrides: those of each setting, and those that are the same in all."""
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
        batches = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    except HydraException as error:
        raise SettingError(explain(error)) from error
    return [list(job) for batch in batches for job in batch], same_in_all(parsed)


def same_in_all(parsed: list[Override]) -> set[str]:
    """The overrides that no comma parts."""
    return {
        f"{one.get_key_element()}={one.get_value_element_as_str()}" for one in parsed if not one.is_sweep_override()
    }


def quoted(argument: str, *, sweep: bool) -> str:
    """Put the values of paths, with their spaces, umlauts and brackets, into the quotes that Hydra's grammar wants.

    With ``sweep``, commas part the values, unless a file is called so or brackets make them one list.
    """
    name, equals, value = argument.partition("=")
    if name not in PATHS or value == "null" or not equals or value[:1] in {"'", '"'}:
        return argument
    one = exists(Path(value)) or not (sweep and "," in value)
    if re.fullmatch(r"\[.*\]", value) and not exists(Path(value)) and (one or not re.search(r"\]\s*,\s*\[", value)):
        return f"{name}=[{_each_in_quotes(value[1:-1])}]"
    if one:
        return f"{name}={_in_quotes(value)}"
    hydras_own = re.match(r"\w+\(|\[", value)  # choice(...), glob(...), lists
    return argument if hydras_own else f"{name}={_each_in_quotes(value)}"


def _each_in_quotes(values: str) -> str:
    items = [item.strip() for item in values.split(",") if item.strip()]
    as_is = any(re.search("[\"']", item) for item in items)  # with quotes of its own
    return values if as_is else ",".join(map(_in_quotes, items))


def _in_quotes(value: str) -> str:
    if exists(Path(value)):  # a file whose name looks as if something were to be put in there is what is meant
        value = re.sub(r"(\\*)\$\{", lambda match: match[1] * 2 + r"\${", value)
    return '"' + re.sub(r'(\\*)("|$)', lambda match: match[1] * 2 + ('\\"' if match[2] else ""), value) + '"'
