"""Names and types of all settings, and the values that their types cannot rule out.

A setting is known by its dotted name, such as ``smoothing.window``.
"""

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final, cast, get_args, get_origin

from conf.config import Config

LEAST_NUMBER: Final = 1e-9
LARGEST_NUMBER: Final = 1e12


def setting_names(section: type[Any] = Config, prefix: str = "") -> Iterator[str]:
    """Names of all settings and sections, each section before its settings."""
    for item in fields(section):
        yield prefix + item.name
        if is_dataclass(item.type):
            yield from setting_names(cast(type[Any], item.type), f"{prefix}{item.name}.")


def first_setting(section: str) -> str:
    """Name of the first setting of a section; empty where ``section`` is not one."""
    return next((name for name in setting_names() if name.startswith(f"{section}.")), "")


def setting_type(name: str) -> Any:
    """Type of a setting or section; None where there is none of that name."""
    kind: Any = Config
    for word in name.split("."):
        kind = {item.name: item.type for item in fields(kind)}.get(word) if is_dataclass(kind) else None
    return kind


def is_list_type(kind: Any) -> bool:
    """Whether a type is a list, or a list or None."""
    return any(get_origin(one) is list for one in (kind, *get_args(kind)))


def list_words(name: str) -> list[str]:
    """The words that a setting takes as a list, such as ``outputs``; none where it takes no such list."""
    kinds = (setting_type(name), *get_args(setting_type(name)))
    items = [item for kind in kinds if get_origin(kind) is list for item in get_args(kind)]
    return [member.name for item in items if isinstance(item, type) and issubclass(item, Enum) for member in item]


def unknown_settings(given: dict[str, Any], section: type[Any] = Config, prefix: str = "") -> Iterator[str]:
    """Names in a composed configuration that are not settings."""
    known = {item.name: item.type for item in fields(section)}
    for name, value in given.items():
        if name not in known:
            yield prefix + name
        elif is_dataclass(known[name]) and isinstance(value, dict):
            yield from unknown_settings(value, cast(type[Any], known[name]), f"{prefix}{name}.")


def non_finite_settings(given: Any) -> Iterator[str]:
    """Names of numbers in a composed configuration that are NaN or infinite."""
    return (name for name, number in _numbers(given) if isinstance(number, float) and not math.isfinite(number))


def extreme_settings(given: Any) -> Iterator[tuple[str, int | float]]:
    """Numbers in a composed configuration that no computation can use: nearly 0 but not 0, or huge; name and value."""
    for name, number in _numbers(given):
        if number and not LEAST_NUMBER <= abs(number) <= LARGEST_NUMBER:
            yield name, number


def _numbers(given: Any, name: str = "") -> Iterator[tuple[str, int | float]]:
    """Every number in a composed configuration, with the name of its setting."""
    if isinstance(given, dict):
        for key, value in given.items():
            yield from _numbers(value, f"{name}.{key}" if name else str(key))
    elif isinstance(given, list):
        for value in given:
            yield from _numbers(value, name)
    elif isinstance(given, int | float):
        yield name, given


def nested_items(given: dict[str, Any], section: type[Any] = Config, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Lists or mappings inside settings that are lists of plain values, which OmegaConf accepts: name and item."""
    for item in fields(section):
        value = given.get(item.name)
        if is_dataclass(item.type) and isinstance(value, dict):
            yield from nested_items(value, cast(type[Any], item.type), f"{prefix}{item.name}.")
        elif is_list_type(item.type) and isinstance(value, list):
            yield from ((prefix + item.name, inner) for inner in value if isinstance(inner, list | dict))


def substituted_names(given: dict[str, Any], section: type[Any] = Config, prefix: str = "") -> Iterator[str]:
    """Names of lists and sections that are one ``${...}``: OmegaConf checks the types of plain values, not theirs."""
    for item in fields(section):
        value = given.get(item.name)
        if is_dataclass(item.type) and isinstance(value, dict):
            yield from substituted_names(value, cast(type[Any], item.type), f"{prefix}{item.name}.")
        elif isinstance(value, str) and (is_dataclass(item.type) or is_list_type(item.type)):
            yield prefix + item.name
