"""The words of the command line before Hydra composes them: what it would stumble over becomes one line."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn, cast

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException

from conf.schema import Config
from flows.config.error_lines import explain
from flows.config.value_rules import is_list, kind_of
from tasks.errors import SettingError

CONF = Path(__file__).parents[2] / "conf"
PARTED = ("an option stands between this and other settings", "give options such as -m before all settings")


def overrides_among(arguments: Sequence[str]) -> list[str]:
    """The overrides among the arguments; ``SettingError`` where these are not as Hydra's own parser wants them."""
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]  # it would print its usage, and end the process
    return list(parser.parse_args(list(arguments)).overrides)


def check(overrides: Iterable[str]) -> None:
    """``SettingError`` for an override that Hydra cannot compose and has no words for; it finds the others itself."""
    for override in overrides:
        sign, key = cast(re.Match[str], re.match(r"([+~]*)([^=@]*)", override)).groups()
        if not key.strip():
            shown, cure = override.strip() or repr(override), "give name=value, `stillwalk --help` has the names"
            raise SettingError(f"{shown}: no setting is named; {cure}")
        _check_item(key)
        if _is_group(key):
            _check_preset(f"{sign}{key}", key, _parsed(override))


def _refuse(message: str) -> NoReturn:
    cure = "`stillwalk --help` and --hydra-help show what is known"
    if unknown := re.match(r"unrecognized arguments: (.+)", message):
        fact, cure = ("there is no such option", cure) if unknown[1].startswith("-") else PARTED
        raise SettingError(f"{unknown[1]}: {fact}; {cure}")
    told = re.match(r"argument (?:\S+/)?(\S+): (.+)", message)
    raise SettingError(f"{told[1]}: {told[2]}; {cure}" if told else f"{message}; {cure}")


def _check_item(key: str) -> None:
    """Of a list no part has a name; a number is the place of an item."""
    name, _, part = key.rpartition(".")
    if is_list(kind_of(name, Config)) and not part.isdecimal():
        raise SettingError(f"{key}: {name} is a list, without names in it; give it whole, as in {name}=[...]")


def _is_group(key: str) -> bool:
    """Whether Hydra looks for a file by the value: of ours, or of its own."""
    return key == "hydra" or key.startswith("hydra/") or (key.isidentifier() and (CONF / key).is_dir())


def _parsed(override: str) -> Override:
    try:
        return OverridesParser.create().parse_overrides([override])[0]
    except HydraException as error:
        raise SettingError(explain(error)) from error


def _check_preset(told: str, key: str, given: Override) -> None:
    """Require one word, or settings of the group as a mapping; of each of its values where it is a sweep."""
    if given.is_discrete_sweep() and not isinstance(given.value(), Glob):  # whose values are what is there
        for one in given.sweep_string_iterator():
            _check_preset(told, key, _parsed(f"{key}={one}"))
    if given.is_sweep_override():
        return
    value = given.value()
    if isinstance(value, str | dict) or (value is None and given.is_delete()):
        return
    options = ", ".join(sorted(file.stem for file in (CONF / key).glob("*.yaml")))
    words = isinstance(value, list) and len(value) > 1 and all(isinstance(word, str) for word in value)
    sweep = f", or put -m before {key}={','.join(cast(list[str], value))} for a sweep" if words else ""
    cure = f"choose one of {options}{sweep}" if options else "give the name of one"
    raise SettingError(f"{told}: {given.get_value_element_as_str()} is not one preset; {cure}")
