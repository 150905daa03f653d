"""Overrides of the command line: quoting, checks before Hydra composes them, and the settings of a sweep."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NoReturn, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException
from omegaconf import ListConfig, OmegaConf

from conf.validation import color_parts
from flows.config.error_lines import LIST_EXAMPLES, explain
from flows.config.schema import is_list_type, list_words, setting_names, setting_type
from tasks.errors import SettingError
from tasks.untrusted.paths import exists

CONF_FOLDER: Final = Path(__file__).parents[2] / "conf"
PATH_SETTINGS: Final = {
    "video",
    "output_dir",
    "cache_dir",
    "models.dir",
    "background.image",
    "corrections",
    "sweep.name",
}
COLOR_SETTINGS: Final = {"border.color", "background.color"}
OTHER_WORDS: Final = {"dry_run": "plan", "input": "video", "output": "output_dir"}
QUOTES: Final = "'\""
SHORT_NAMES: Final = {"clip.from": "clip.from_s", "clip.to": "clip.to_s"}
TYPED_NAMES: Final = {name: short for short, name in SHORT_NAMES.items()}
OPTION_AMONG_SETTINGS: Final = (
    "an option stands between this and settings before it",
    "give options such as -m before all settings",
)


def quote_argument(argument: str, *, sweep: bool) -> str:
    """Put paths, and numbers of people, into the quotes that Hydra's grammar needs; write short names out.

    With ``sweep``, commas separate values, unless a file has that name or brackets make the values one list.
    """
    argument = in_hydras_form(argument)
    name, equals, value = argument.partition("=")
    words = [word.strip() for word in value.split(",")]
    if sweep and len(words) > 1 and set(words) <= set(list_words(name)):
        return f"{name}={','.join(f'[{word}]' for word in words)}"
    if name in SHORT_NAMES:
        return f"{SHORT_NAMES[name]}{equals}{value}"
    if name in COLOR_SETTINGS and re.match(r"['\"]?(#|rgb\(|[a-zA-Z]+['\"]?(,|$))", value) and value != "null":
        colors = re.split(r",(?![^(\[]*[)\]])", value) if sweep else [value]
        return f"{name}={','.join(_color_as_list(name, color.strip()) for color in colors)}"
    if name not in PATH_SETTINGS or value == "null" or not equals:
        return argument
    is_file_name = exists(Path(value))
    if value[:1] in {"'", '"'} and not is_file_name:
        return argument
    is_single = is_file_name or not (sweep and "," in value)
    in_brackets = re.fullmatch(r"\[.*\]", value) and not is_file_name
    if in_brackets and (is_single or not re.search(r"\]\s*,\s*\[", value)):
        return f"{name}=[{_quote_each(value[1:-1])}]"
    if is_single:
        return f"{name}={_quote(value)}"
    hydra_syntax = re.match(r"\w+\(|\[", value)  # choice(...), glob(...), lists
    return argument if hydra_syntax else f"{name}={_quote_each(value)}"


def in_hydras_form(override: str) -> str:
    """Put the numbers in ``subject=2`` or ``subject=auto,2`` into quotes: Hydra takes only words for presets.

    One word for a list of words, as in ``exports=events``, becomes a list of it.
    """
    name, _, value = override.partition("=")
    if value.strip() in list_words(name):
        return f"{name}=[{value.strip()}]"
    if name != "subject" or not re.fullmatch(r"[\w,\s]*\d[\w,\s]*", value):
        return override
    items = (item.strip() for item in value.split(","))
    quoted = [f"'{int(item)}'" if item.isdecimal() else item for item in items]
    return f"{name}={','.join(quoted)}"


def _color_as_list(name: str, color: str) -> str:
    """A colour such as #00b140, rgb(0,177,64) or tomato as [r,g,b]; ``SettingError`` for what is none."""
    if color.startswith("["):
        return color
    return f"[{','.join(map(str, color_parts(name, color.strip(QUOTES))))}]"


def _quote_each(values: str) -> str:
    items = [item.strip() for item in values.split(",") if item.strip()]
    has_quotes = any(re.search("[\"']", item) and not exists(Path(item)) for item in items)
    return values if has_quotes else ",".join(map(_quote, items))


def _quote(value: str) -> str:
    if exists(Path(value)):  # a file whose name contains ${...} is meant literally
        value = re.sub(r"(\\*)\$\{", lambda match: match[1] * 2 + r"\${", value)
    return '"' + re.sub(r'(\\*)("|$)', lambda match: match[1] * 2 + ('\\"' if match[2] else ""), value) + '"'


def parse_arguments(arguments: Sequence[str]) -> list[str]:
    """The overrides among the arguments; ``SettingError`` where Hydra's own parser would print its usage and exit."""
    parser = get_args_parser()
    parser.error = _refuse_arguments  # type: ignore[method-assign]
    return list(parser.parse_args(list(arguments)).overrides)


def _refuse_arguments(message: str) -> NoReturn:
    cure = "`stillwalk --help` and --hydra-help list the options"
    if unknown := re.match(r"unrecognized arguments: (.+)", message):
        fact, cure = ("there is no such option", cure) if unknown[1].startswith("-") else OPTION_AMONG_SETTINGS
        words = unknown[1].split()
        raise SettingError(f"{words[0]}: {fact}; {_setting_for_option(words) or cure}")
    option = re.match(r"argument (?:\S+/)?(\S+): (.+)", message)
    raise SettingError(f"{option[1]}: {option[2]}; {cure}" if option else f"{message}; {cure}")


def _setting_for_option(words: list[str]) -> str:
    """The cure where somebody types a setting as an option, such as ``--plan`` or ``--output-dir x``; else empty."""
    option, _, value = words[0].lstrip("-").partition("=")
    name = option.replace("-", "_")
    name = OTHER_WORDS.get(name, SHORT_NAMES.get(name, name))
    if not words[0].startswith("--") or name not in setting_names():
        return ""
    usual = "true" if setting_type(name) is bool else "..."
    given = value or next((word for word in words[1:] if not word.startswith("-") and "=" not in word), usual)
    return f"settings are given as name=value; did you mean {name}={given}?"


def check_overrides(overrides: Iterable[str]) -> None:
    """``SettingError`` for an override that Hydra cannot compose and reports unclearly; Hydra finds the others."""
    for override in map(in_hydras_form, overrides):
        sign, key = cast(re.Match[str], re.match(r"([+~]*)([^=@]*)", override)).groups()
        if not key.strip():
            shown, cure = (
                override.strip() or repr(override),
                "give name=value without spaces, `stillwalk --help=all` lists the names",
            )
            raise SettingError(f"{shown}: there is no name before the value; {cure}")
        _check_hydra(sign, key)
        _check_list_item(key)
        if setting_type(key) is bool:
            _check_switch(key, override)
        if _is_preset_group(key):
            _check_preset(f"{sign}{key}", key, _parse(override))


def check_one_preset(overrides: Iterable[str]) -> None:
    """``SettingError`` for several presets of one run: only the last one would count."""
    presets = dict.fromkeys(override for override in overrides if override.startswith("preset="))
    if len(presets) > 1:
        fact = "one preset replaces the other"
        given = " and ".join(one.removeprefix("preset=") for one in presets)
        raise SettingError(f"preset: {given} are given, but {fact}; give one, and settings beside it")


def check_given_once(overrides: Iterable[str]) -> None:
    """``SettingError`` for a name that a sweep is given twice: of its values only the last ones would be tried."""
    values: dict[str, str] = {}
    for override in overrides:
        name, _, value = override.lstrip("+").partition("=")
        if name in values:
            both = f"{values[name]},{value}"
            raise SettingError(f"{name}: it is given twice; for a sweep over all of its values give {name}={both}")
        values[name] = value


def _check_hydra(sign: str, key: str) -> None:
    """``SettingError`` for settings of Hydra itself that would split a sweep, or write files elsewhere."""
    if re.match(r"hydra(?=[./]|$)", key) is None or re.match(r"hydra[./]sweeper(?=[./]|$)", key):
        return
    if key.startswith("hydra/launcher"):
        fact, cure = (
            "a sweep is one run, by the program's own launcher",
            "leave it out; workers= sets how much runs at once",
        )
    else:
        fact, cure = "this setting of Hydra has no use here", "leave it out; output_dir= says where results go"
    raise SettingError(f"{sign}{key}: {fact}; {cure}")


def _check_switch(key: str, override: str) -> None:
    """``SettingError`` for a number other than 0 and 1, which OmegaConf takes for true."""
    given = _parse(override)
    values = given.sweep_iterator() if given.is_discrete_sweep() else [given.value()]
    for value in [] if given.is_sweep_override() and not given.is_discrete_sweep() else values:
        if isinstance(value, int) and value not in (0, 1):
            raise SettingError(f"{key}: {value} is not true or false; give true or false")


def _check_list_item(key: str) -> None:
    """Items of a list have numbers, not names."""
    name, _, part = key.rpartition(".")
    if is_list_type(setting_type(name)) and not part.isdecimal():
        example = LIST_EXAMPLES.get(name, "[...]")
        raise SettingError(f"{key}: {name} is a list and has no named items; give all of it, as in {name}={example}")


def _is_preset_group(key: str) -> bool:
    """Whether Hydra looks for a YAML file named by the value: one of ours, or its own."""
    return key == "hydra" or key.startswith("hydra/") or (key.isidentifier() and (CONF_FOLDER / key).is_dir())


def _parse(override: str) -> Override:
    try:
        return OverridesParser.create().parse_overrides([override])[0]
    except HydraException as error:
        raise SettingError(explain(error)) from error


def _check_preset(shown_key: str, key: str, given: Override) -> None:
    """Require one preset name, or a mapping of the group's settings; in a sweep for each of its values."""
    if given.is_discrete_sweep() and not isinstance(given.value(), Glob):  # a glob selects existing presets
        for word in given.sweep_string_iterator():
            _check_preset(shown_key, key, _parse(in_hydras_form(f"{key}={word}")))
    if given.is_sweep_override():
        return
    value = given.value()
    is_name = isinstance(value, str) and "${" not in value
    if is_name or isinstance(value, dict) or (value is None and given.is_delete()):
        return
    options = ", ".join(sorted(file.stem for file in (CONF_FOLDER / key).glob("*.yaml")))
    are_words = isinstance(value, list) and len(value) > 1 and all(isinstance(word, str) for word in value)
    sweep = f", or put -m before {key}={','.join(cast(list[str], value))} for a sweep" if are_words else ""
    cure = f"choose one of {options}{sweep}" if options else "give the name of one"
    shown = value if isinstance(value, str) else given.get_value_element_as_str()  # which escapes braces
    raise SettingError(f"{shown_key}: {shown} is not one preset; {cure}")


def raw_overrides(overrides: ListConfig) -> list[str]:
    """Hydra's list of a run's overrides word for word: ``${...}`` in them is not resolved."""
    return cast(list[str], OmegaConf.to_container(overrides, resolve=False))


def sweep_combinations(overrides: list[str]) -> tuple[list[list[str]], set[str]]:
    """What ``-m`` makes of overrides: the overrides of each combination, and those that all have in common."""
    check_given_once(overrides)
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
        batches = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    except HydraException as error:
        raise SettingError(explain(error)) from error
    return [list(job) for batch in batches for job in batch], fixed_overrides(parsed)


def fixed_overrides(parsed: list[Override]) -> set[str]:
    """The overrides that have one value in the whole sweep."""
    return {
        f"{one.get_key_element()}={one.get_value_element_as_str()}" for one in parsed if not one.is_sweep_override()
    }
