"""What a composed configuration may not hold, though its schema would take it."""

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, cast, get_args, get_origin


def unknown_names(given: dict[str, Any], schema: type[Any], prefix: str = "") -> Iterator[str]:
    """Dotted names in ``given`` that are no setting of the schema class."""
    known = {item.name: item.type for item in fields(schema)}
    for name, value in given.items():
        if name not in known:
            yield prefix + name
        elif is_dataclass(known[name]) and isinstance(value, dict):
            yield from unknown_names(value, cast(type[Any], known[name]), f"{prefix}{name}.")


def endless(given: Any, name: str = "") -> Iterator[str]:
    """Dotted names of numbers that are NaN or infinite."""
    if isinstance(given, dict):
        for key, value in given.items():
            yield from endless(value, f"{name}.{key}" if name else str(key))
    elif isinstance(given, list):
        for value in given:
            yield from endless(value, name)
    elif isinstance(given, float) and not math.isfinite(given):
        yield name


def nested(given: dict[str, Any], schema: type[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names of lists of plain values, each with an item that is none: OmegaConf lets lists in lists pass."""
    for item in fields(schema):
        value = given.get(item.name)
        if is_dataclass(item.type) and isinstance(value, dict):
            yield from nested(value, cast(type[Any], item.type), f"{prefix}{item.name}.")
        elif is_list(item.type) and isinstance(value, list):
            yield from ((prefix + item.name, inner) for inner in value if isinstance(inner, list | dict))


def kind_of(name: str, schema: Any) -> Any:
    """The type of a setting of the schema class by its dotted name; None where there is none of that name."""
    kind = schema
    for word in name.split("."):
        kind = {item.name: item.type for item in fields(kind)}.get(word) if is_dataclass(kind) else None
    return kind


def is_list(kind: Any) -> bool:
    """Whether a type is that of a list, or of a list or nothing."""
    return any(get_origin(one) is list for one in (kind, *get_args(kind)))
