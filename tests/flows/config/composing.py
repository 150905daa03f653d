"""Settings composed once: values that tests try are laid into a copy.

Hydra takes 0.1 s to find and to merge its own settings, ours and the presets, and they are the same for every value.
"""

from copy import deepcopy
from functools import cache

import pytest
from hydra import compose
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import ConfigCompositionException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from flows.config import settings
from flows.config.overrides import CONF_FOLDER

GROUPS = frozenset(folder.name for folder in CONF_FOLDER.iterdir() if any(folder.glob("*.yaml")))


def compose_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on ``settings.load`` composes each choice of presets once in a process."""
    settings.register_schema()
    monkeypatch.setattr(settings, "compose", compose_by_copy)


def compose_by_copy(config_name: str, overrides: list[str]) -> DictConfig:
    """What Hydra's ``compose`` gives and raises. Hydra itself composes what is more than presets and values."""
    given = OverridesParser.create().parse_overrides(overrides)
    if HydraConfig.initialized() or not all(map(_is_plain, given)):
        return compose(config_name, overrides=overrides)
    presets = tuple(str(one.input_line) for one in given if _is_preset(one))
    composed = deepcopy(_composed(config_name, presets))
    try:
        ConfigLoaderImpl._apply_overrides_to_config([one for one in given if not _is_preset(one)], composed)
    except OmegaConfBaseException as error:
        raise ConfigCompositionException from error
    return composed


@cache
def _composed(config_name: str, presets: tuple[str, ...]) -> DictConfig:
    return compose(config_name, overrides=list(presets))


def _is_plain(override: Override) -> bool:
    """Whether it is ``name=value``, of a setting or a preset of ours."""
    is_ours = override.package is None and not override.key_or_group.startswith("hydra")
    return is_ours and override.type is OverrideType.CHANGE and not override.is_sweep_override()


def _is_preset(override: Override) -> bool:
    return override.key_or_group in GROUPS and not isinstance(override.value(), dict)
