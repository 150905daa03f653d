"""From overrides to a checked ``Config``, and from any mistake in them to one line."""

import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import cast

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conf.schema import Config
from flows.explain import explain, unknown_setting
from tasks.errors import SettingError

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"


def register() -> None:
    """Make the schema known to Hydra: it gives every setting its type."""
    ConfigStore.instance().store(name="schema", node=Config)


def load(overrides: list[str]) -> Config:
    """Compose and check the configuration; ``SettingError`` of one line for anything wrong in it."""
    ready: AbstractContextManager[object] = (
        nullcontext()
        if GlobalHydra.instance().is_initialized()
        else initialize_config_dir(str(CONF), version_base="1.3")
    )
    try:
        with ready:
            composed = compose("config", overrides=overrides)
            unknown = set(composed) - {item.name for item in fields(Config)}
            if unknown:
                raise SettingError(unknown_setting(str(min(unknown))))
            return cast(Config, OmegaConf.to_object(composed))
    except (HydraException, OmegaConfBaseException) as error:
        raise SettingError(explain(error)) from error


def quoted(argument: str, *, sweep: bool) -> str:
    """Put ``video=`` values with spaces, brackets and the like into the quotes that Hydra's grammar wants."""
    name, equals, value = argument.partition("=")
    if name != "video" or not equals or value[:1] in {"'", '"'} or (sweep and "," in value):
        return argument
    if value[:1] == "[" and not Path(value).exists():
        return argument  # a list
    escaped = re.sub(r'(\\*)("|$)', lambda match: match[1] * 2 + ('\\"' if match[2] else ""), value)
    return f'{name}="{escaped}"'
