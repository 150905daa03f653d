"""Turns errors of Hydra and OmegaConf into one line: the setting, the fact, the cure."""

import difflib
import re
import traceback
from collections.abc import Iterator
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

from conf import enums
from flows.config.schema import first_setting, is_list_type, list_words, setting_names, setting_type
from tasks.errors import SettingError

TYPE_WORDS: Final = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}
LIST_EXAMPLES: Final = {
    "outputs": "[stabilized]",
    "exports": "[events,angles]",
    "overlay.numbers": "[angles,speed]",
    "subject.point": "[0.5,0.5]",
    "crop.size": "[640,360]",
    "crop.window": "[0,0,640,360]",
    "background.on": "[person]",
}
VALUES_BESIDE_PRESETS: Final = {  # what is given under the name of a group, but is a value of its settings
    "background": "; a picture is background=image background.image=beach.jpg, a colour background.color=red",
    "border": "; a colour is border=constant border.color=red",
    "crop": "; a shape is crop.aspect=9:16, a size crop.output=1080x1920",
    "encode": "; H.264 is encode=x264, H.265 (HEVC) encode=x265",
}
DEFAULTS_LIST: Final = "hydra/_internal/defaults_list.py"  # follows the files that a YAML file names
FOREIGN_CONFIG: Final = (
    "--config-name: the file does not include the program's settings; begin it with `defaults: [config, _self_]`"
)


def explain(error: BaseException) -> str:
    """One line for the user; the library's own words, joined, for an error that is not known here."""
    causes = list(_cause_chain(error))
    for cause in causes:
        if isinstance(cause, SettingError):
            return str(cause)
    override = re.search(r"override \S+?=(.+)", str(error))
    asked = re.search(r"Could not override '([^']+)'", str(error))
    for cause in causes:
        if asked and isinstance(cause, ConfigKeyError) and asked[1].startswith(f"{cause.full_key}."):
            return unknown_setting_line(asked[1])  # the library names its unknown section only
        if line := _known_line(cause, override[1] if override else "..."):
            return line
    return "; ".join(dict.fromkeys(line.strip() for line in str(error).splitlines() if line.strip()))


def is_of_settings(error: BaseException) -> bool:
    """Whether an error that any part of the program may raise was raised while Hydra put the settings together."""
    if isinstance(error, OverflowError):
        return "full_key" in str(error)
    places = (frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__))
    return not isinstance(error, RecursionError) or any(place.endswith(DEFAULTS_LIST) for place in places)


def _cause_chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _known_line(error: BaseException, value: str) -> str:
    """The line for an error; empty where it is not known. ``value`` was given to the setting."""
    name = str(getattr(error, "full_key", "") or "")
    text = str(error).splitlines()[0]
    if isinstance(error, ConfigAttributeError | ConfigKeyError):
        return unknown_setting_line(name)
    if isinstance(error, MissingConfigException):
        return _missing_file_line(error, text)
    if folder := re.match(r"Additional config directory '(.+)' not found", text):
        return f"--config-dir: there is no folder {folder[1]}; give the folder of your YAML file"
    if several := re.match(r"Ambiguous value for argument '(\S+?)=(.+)'", text):
        as_list = f", or give [{several[2]}] as a list" if _accepts_list(several[1]) else ""
        with_point = _with_point(*several.groups())
        fraction = f"; a fraction has a point: {several[1]}={with_point}" if with_point else ""
        return f"{several[1]}: it takes one value; put -m before it for a sweep{as_list}{fraction}"
    if isinstance(error, OverrideParseException):
        return _syntax_line(error.override)
    if isinstance(error, ValidationError):
        return _invalid_value_line(name, text, value)
    if isinstance(error, InterpolationResolutionError):
        return _interpolation_line(name, text)
    if isinstance(error, OmegaConfBaseException) and "missing mandatory value" in text:
        return _missing_value_line(name)
    if isinstance(error, ConfigTypeError):
        return _wrong_shape_line(name, text)
    if isinstance(error, ConfigIndexError):
        setting = name.partition("[")[0]
        return f"{name}: the list has no such item; give all of it, as in {setting}={_list_example(setting)}"
    if isinstance(error, OverflowError) and (key := re.search(r"full_key: (\S+)", str(error))):
        return f"{key[1]}: the number is too large; give a smaller one"
    if isinstance(error, RecursionError):
        return "defaults: the YAML files name each other without end; remove one of the names"
    if isinstance(error, ConfigCompositionException):
        return _plus_or_tilde_line(text)
    return ""


def unknown_setting_line(name: str) -> str:
    """The line for a setting that does not exist, with the most similar one."""
    if name in setting_names():
        return FOREIGN_CONFIG
    if name == "preset":  # the settings of a preset's file are those of a group `preset` without its first line
        return "preset: the file of the preset must begin with the line `# @package _global_`; write it"
    if name in ("clip.from", "clip.to"):  # on the command line they are written out before Hydra sees them
        return f"{name}: in a YAML file this setting has another name; write `clip: {{{name[5:]}_s: ...}}`"
    similar = difflib.get_close_matches(name, list(setting_names()), n=1, cutoff=0.6)
    cure = f"did you mean {similar[0]}?" if similar else "`stillwalk --help=all` lists them"
    return f"{name}: there is no such setting; {cure}"


def _missing_file_line(error: MissingConfigException, text: str) -> str:
    """The line for a preset or a configuration file that does not exist."""
    if group := re.search(r"find '(\w+)/(.*)'", text):
        words = [option for option in error.options or [] if not option.isdecimal()]
        numbers = len(error.options or []) - len(words)
        cure = f"choose one of {', '.join(words)}{f', or a number from 1 to {numbers}' if numbers else ''}"
        return f"{group[1]}: there is no {group[2]!r}; {cure}{VALUES_BESIDE_PRESETS.get(group[1], '')}"
    if missing := re.match(r"In '(.+)': Could not load '(.+)'", text):
        return f"{missing[1]}.yaml: its list defaults names {missing[2]}, which is not there; correct the name"
    if primary := re.match(r"Cannot find primary config '(.+?)'", text):
        cure = f"name its folder with --config-dir, as in --config-dir . --config-name {primary[1]}"
        return f"--config-name: there is no file {primary[1]}.yaml; {cure}"
    return ""


def _missing_value_line(name: str) -> str:
    if name == "video":
        return "video: no value was given; name a file, a folder, a glob such as video='clips/*.mp4', or video=demo"
    return f"{name}: no value was given; give one, or leave {name} out for its default"


def _syntax_line(override: str) -> str:
    if "=" not in override:
        usual = "true" if setting_type(override) is bool else "..."
        meant = f"{override}={usual}" if override in setting_names() else f"video={override}"
        return f"{override}: settings are given as name=value; did you mean {meant}?"
    name, _, value = override.partition("=")
    if name != name.rstrip():
        return f"{override}: there is a space before the equals sign; give {name.rstrip()}={value.lstrip()}"
    if override.count("[") > override.count("]"):
        return f"{override}: the list does not end; write it without spaces, as in outputs=[stabilized,person]"
    cure = "put a value with special characters in quotes, as in 'name=\"a (1)\"'"
    return f"{override}: this is not valid syntax; {cure}"


def _interpolation_line(name: str, text: str) -> str:
    if key := re.match(r"Interpolation key '(.+)' not found", text):
        cure = "name one, or for a literal ${ write \\${ and put the value in single quotes"
        return f"{name}: ${{{key[1]}}} is not a setting; {cure}"
    if variable := re.search(r"Environment variable '(.+)' not found", text):
        return f"{name}: there is no environment variable {variable[1]}; set it, or give the value itself"
    if resolver := re.match(r"Unsupported interpolation type (\S+)", text):
        return f"{name}: ${{{resolver[1]}:...}} is not known; give the value itself"
    return f"{name}: the ${{...}} in its value cannot be resolved ({text}); give the value itself"


def _plus_or_tilde_line(text: str) -> str:
    """The line for a ``+`` or ``~`` where there is nothing to add or to remove."""
    if added := re.search(r"An item is already at '(\S+)'", text):
        return f"{added[1]}: this setting exists already; give it without the +, as in {added[1]}=..."
    if (removed := re.match(r"Error merging override ~(\S+?)(=.*)?$", text)) or (
        removed := re.match(r"Could not delete.*'(\S+)' does not exist", text)
    ):
        return f"~{removed[1]}: a setting cannot be removed; leave it out for its default"
    return ""


def _invalid_value_line(name: str, text: str, value: str) -> str:
    if preset := re.search(r"Merge error: str is not a subclass of (\w+)\. value: (\S+)", text):
        return _preset_as_value_line(preset[1], preset[2])
    text = re.sub(r"^While dereferencing interpolation '.+?': ", "", text)
    if wrong := re.match(r"Value (?:[A-Z]\w*\.)?(.+) \([\w.]+\) is not a valid input for <enum '(\w+)'>", text):
        return f"{name}: there is no {wrong[1]}; choose one of {', '.join(getattr(enums, wrong[2]).__members__)}"
    if wrong := re.match(r"Invalid value (.+), expected one of \[(.+)\]", text):
        return f"{name}: there is no {wrong[1]}; choose one of {wrong[2]}"
    if wrong := re.match(r"Value (.+) of type .+ could not be converted to (\w+)", text):
        return f"{name}: {wrong[1]} does not fit; give {TYPE_WORDS.get(wrong[2], wrong[2])}"
    if wrong := re.match(r"Value '(.+)' of type .+ is incompatible with type hint 'Union\[int, str\]'", text):
        return f"{name}: {wrong[1]} does not fit; give a whole number, or auto"
    if "is not Optional" in text:
        return f"{name}: null does not fit; give a value, or leave {name} out for its default"
    if wrong := re.match(r"Value (.+) is not a valid bool", text):
        return f"{name}: {wrong[1]} does not fit; give {TYPE_WORDS['Boolean']}"
    if wrong := re.match(r"Cannot convert '\w+' to string: (.+)", text):
        return f"{name}: {wrong[1]} does not fit; give one word, or a text in quotes"
    if "NoneType is not a subclass of" in text:
        return f"{name}: null does not fit; give a value"
    if "is not a ListConfig" in text:
        return _no_list_line(name, value)
    return _wrong_shape_line(name, text)


def _no_list_line(name: str, value: str) -> str:
    """The line for one value where a list is expected, with the words that it takes."""
    words = list_words(name)
    if words and value not in words:
        some = f"choose some of {', '.join(words)}"
        return f"{name}: there is no {value!r}; {some}; give {name}={_list_example(name)}"
    return f"{name}: it must be a list; give {name}={_list_example(name, value)}"


def _preset_as_value_line(section_type: str, value: str) -> str:
    """The line for ``smoothing: gaussian`` in a user's YAML file: presets belong in its list of defaults."""
    name = next((name for name in setting_names() if getattr(setting_type(name), "__name__", "") == section_type), "")
    first = first_setting(name).rpartition(".")[2]
    cure = f"write `{name}: {{{first}: ...}}`, or for a preset `defaults: [config, _self_, override {name}: {value}]`"
    return f"{name}: {value} is one word for a group of settings; {cure}"


def _wrong_shape_line(name: str, text: str) -> str:
    """The line for a list where settings are expected, for names where a list is, and for other mistakes."""
    if first := first_setting(name):
        return f"{name}: this is a group of settings; give them one by one, as in {first}=..."
    if is_list_type(setting_type(name)):
        return f"{name}: it must be a list of plain values; give them as in {name}={_list_example(name)}"
    return f"{name}: {text}; `stillwalk --help=all` shows the form of every setting"


def _list_example(name: str, value: str = "") -> str:
    """A valid list for a setting: ``value`` as its one item where the list takes such words."""
    words = list_words(name)
    return f"[{value}]" if value in words else LIST_EXAMPLES.get(name, f"[{words[0]}]" if words else "[...]")


def _with_point(name: str, value: str) -> str:
    """A fraction that was given with a comma, such as ``1,75``, as the setting takes it; empty for any other value."""
    is_fraction = setting_type(name) in (float, float | None) and re.fullmatch(r"-?\d+,\d+", value)
    return value.replace(",", ".") if is_fraction else ""


def _accepts_list(name: str) -> bool:
    kind = setting_type(name)
    return is_list_type(kind) or kind is Any
