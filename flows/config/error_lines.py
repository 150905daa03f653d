"""From what Hydra or OmegaConf raise to one line: the setting, the fact, the cure."""

import difflib
import re
from dataclasses import fields, is_dataclass
from typing import Any, Final

from hydra.errors import ConfigCompositionException, MissingConfigException, OverrideParseException
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigIndexError,
    ConfigKeyError,
    ConfigTypeError,
    InterpolationResolutionError,
    OmegaConfBaseException,
    ValidationError,
)

from conf.schema import Config
from flows.config.value_rules import is_list, kind_of
from tasks.errors import SettingError

TYPES = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


def explain(error: BaseException) -> str:
    """One line for the user; falls back on the words of the library, joined, where the mistake is a new one."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, SettingError):
            return str(cause)
    override = re.search(r"override \S+?=(.+)", str(error))
    for cause in causes:
        sentence = _sentence(cause, override[1] if override else "...")
        if sentence:
            return sentence
    return "; ".join(dict.fromkeys(line.strip() for line in str(error).splitlines() if line.strip()))


def _causes(error: BaseException | None) -> Any:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _sentence(error: BaseException, override: str) -> str:
    name = str(getattr(error, "full_key", "") or "")
    text = str(error).splitlines()[0]
    if isinstance(error, ConfigAttributeError | ConfigKeyError):
        return unknown_setting(name)
    if isinstance(error, MissingConfigException) and (group := re.search(r"find '(\S+)/(\S*)'", text)):
        options = ", ".join(error.options or [])
        return f"{group[1]}: there is no {group[2]!r}; choose one of {options}"
    if several := re.match(r"Ambiguous value for argument '(\S+?)=(.+)'", text):
        as_list = f", or give [{several[2]}] as a list" if _takes_list(several[1]) else ""
        return f"{several[1]}: one setting takes one value; put -m before it for a sweep{as_list}"
    if isinstance(error, OverrideParseException):
        if "=" not in error.override:
            return f"{error.override}: settings are given as name=value; did you mean video={error.override}?"
        cure = "put a value with special characters in quotes, as in 'name=\"a (1)\"'"
        return f"{error.override}: this cannot be read; {cure}"
    if isinstance(error, ValidationError):
        return _mistyped(name, text, override)
    if isinstance(error, InterpolationResolutionError):
        return _unresolved(name, text)
    if isinstance(error, OmegaConfBaseException) and "missing mandatory value" in text:
        return nothing_given(name)
    if isinstance(error, ConfigTypeError):
        return _misshapen(name, text)
    if isinstance(error, ConfigIndexError):
        whole = name.partition("[")[0]
        return f"{name}: the list has no such place; give it whole, as in {whole}=[...]"
    if isinstance(error, OverflowError) and (key := re.search(r"full_key: (\S+)", str(error))):
        return f"{key[1]}: the number is larger than can be counted with; give a smaller one"
    if isinstance(error, ConfigCompositionException):
        return _misplaced(text)
    return ""


def nothing_given(name: str) -> str:
    """The line for a setting that is left open."""
    if name == "video":
        return "video: nothing was given; name a file, a folder, a glob such as video='clips/*.mp4', or video=demo"
    return f"{name}: nothing was given; give a value, or leave {name} out for its default"


def _unresolved(name: str, text: str) -> str:
    if key := re.match(r"Interpolation key '(.+)' not found", text):
        cure = (
            "name one, or put the value in single quotes with a backslash before the $ where it is meant as it stands"
        )
        return f"{name}: ${{{key[1]}}} names no setting; {cure}"
    if variable := re.search(r"Environment variable '(.+)' not found", text):
        return f"{name}: there is no environment variable {variable[1]}; set it, or give the value itself"
    if resolver := re.match(r"Unsupported interpolation type (\S+)", text):
        return f"{name}: ${{{resolver[1]}:...}} is not known; give the value itself"
    return f"{name}: what stands in ${{...}} cannot be worked out ({text}); give the value itself"


def _misplaced(text: str) -> str:
    """The line for a ``+`` or ``~`` where there is nothing to add or to take away."""
    if added := re.search(r"An item is already at '(\S+)'", text):
        return f"{added[1]}: this setting is there already; give it without the +, as in {added[1]}=..."
    if (gone := re.match(r"Error merging override ~(\S+?)(=.*)?$", text)) or (
        gone := re.match(r"Could not delete.*'(\S+)' does not exist", text)
    ):
        return f"~{gone[1]}: a setting cannot be taken away; leave it out for its default"
    return ""


def _mistyped(name: str, text: str, value: str) -> str:
    if wrong := re.match(r"Invalid value (.+), expected one of \[(.+)\]", text):
        return f"{name}: there is no {wrong[1]}; choose one of {wrong[2]}"
    if wrong := re.match(r"Value (.+) of type .+ could not be converted to (\w+)", text):
        return f"{name}: {wrong[1]} does not fit; give {TYPES.get(wrong[2], wrong[2])}"
    if "is not Optional" in text:
        return f"{name}: null does not fit; give a value, or leave {name} out for its default"
    if wrong := re.match(r"Value (.+) is not a valid bool", text):
        return f"{name}: {wrong[1]} does not fit; give {TYPES['Boolean']}"
    if wrong := re.match(r"Cannot convert '\w+' to string: (.+)", text):
        return f"{name}: {wrong[1]} does not fit; give one word, or a text in quotes"
    if "NoneType is not a subclass of" in text:
        return f"{name}: null does not fit; give a value"
    if "is not a subclass of" in text:
        return _misshapen(name, text)
    if "is not a ListConfig" in text:
        return f"{name}: this wants a list; give {name}=[{value}]"
    return _misshapen(name, text)


def _misshapen(name: str, text: str) -> str:
    """The line for a list where names are wanted, for names where a list is, and for what else has no line."""
    first = _first_of(name)
    if first:
        return f"{name}: this is a group of settings; give them one by one, as in {first}=..."
    if is_list(kind_of(name, Config)):
        return f"{name}: this wants a list of plain values; give them as in {name}=[...]"
    return f"{name}: {text}; `stillwalk --help` shows the form of every setting"


def _takes_list(name: str) -> bool:
    kind = kind_of(name, Config)
    return is_list(kind) or kind is Any


FOREIGN: Final = (
    "--config-name: that file does not go on from the program's own; begin it with `defaults: [config, _self_]`"
)


def unknown_setting(name: str) -> str:
    """The line for a setting that does not exist, with the nearest that does."""
    if name in setting_names(Config):
        return FOREIGN
    near = difflib.get_close_matches(name, list(setting_names(Config)), n=1, cutoff=0.6)
    cure = f"did you mean {near[0]}?" if near else "`stillwalk --help` lists them all"
    return f"{name}: there is no such setting; {cure}"


def _first_of(section: str) -> str:
    """The name of a group's first setting; empty where that is no group."""
    return next((str(name) for name in setting_names(Config) if name.startswith(f"{section}.")), "")


def setting_names(schema: Any, prefix: str = "") -> Any:
    """Dotted names of all settings of a schema class."""
    for item in fields(schema):
        yield prefix + item.name
        if is_dataclass(item.type):
            yield from setting_names(item.type, f"{prefix}{item.name}.")
