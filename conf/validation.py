"""Checks of setting values; a failed check is one line that names the setting, the fact and the cure."""

from typing import Any

from tasks.errors import SettingError

# Larger values have no use, and 64-bit floats lose the digits that the computations need.
MAX_DURATION_S = 86_400.0  # one day
MAX_SETTING_PX = 100_000.0  # wider than any codec allows
MAX_RATE_HZ = 1000.0  # higher than the frame rate of any clip of people
MAX_SPEED_PX_S = MAX_SETTING_PX * MAX_RATE_HZ  # the widest picture, crossed from one frame to the next


def require(condition: bool, setting: str, fact: str, cure: str) -> None:
    """Raise a ``SettingError`` with the line ``setting: fact; cure`` unless ``condition`` holds."""
    if not condition:
        raise SettingError(f"{setting}: {fact}; {cure}")


def require_at_most(limit: float, setting: str, value: float | None, unit: str, null_cure: str = "") -> None:
    """Require that ``value`` is null or at most ``limit``; ``null_cure`` ends the line where null is a cure too."""
    fact = f"{value} {unit} is too large"
    require(value is None or value <= limit, setting, fact, f"give up to {limit:.15g}{null_cure}")


def require_each_once(setting: str, values: list[Any]) -> None:
    """Require that no item of a list of enum values is repeated."""
    names = [value.value for value in values]
    twice = [name for number, name in enumerate(names) if name in names[:number]]
    fact = f"{twice[0]} is given more than once" if twice else ""
    require(not twice, setting, fact, f"give {setting}=[{','.join(dict.fromkeys(names))}]")


def require_name(setting: str, name: str | None, cure: str) -> None:
    """Require that the name of a file or folder, if there is one, is text, not empty, without control characters."""
    if name is not None:
        require(bool(name.strip()), setting, "the name is empty", cure)
        foreign = any("\ud800" <= sign <= "\udfff" for sign in name)  # how Python holds bytes that are no text
        require(not foreign, setting, f"the name {name!r} is not in UTF-8", "choose another")
        require(name.isprintable(), setting, f"the name {name!r} has a control character", "leave it out")


def color_parts(setting: str, value: Any) -> list[int]:
    """A colour as ``[r,g,b]``, each 0 to 255; ``value`` is that, or a text such as #00b140, rgb(0,177,64) or tomato.

    A list with such a text as its only item is taken as the text. ``SettingError`` for anything else.
    """
    text = value[0] if isinstance(value, list) and len(value) == 1 else value
    cure = "give [r,g,b] with numbers from 0 to 255, #00b140, rgb(0,177,64), or a name of CSS such as tomato"
    parts: Any = _named_color(text) if isinstance(text, str) else value
    whole = isinstance(parts, list | tuple) and all(type(part) is int and 0 <= part <= 255 for part in parts)
    opaque = not (whole and isinstance(text, str) and len(parts) == 4)
    require(opaque, setting, f"{text} has an opacity, and is not a colour", cure)
    require(whole and len(parts) == 3, setting, f"{value} is not a colour", cure)
    return list(parts)


def _named_color(text: str) -> tuple[int, ...]:
    """The parts of a colour that is given as text; none for what is no colour."""
    from PIL import ImageColor  # only where a colour is given as text

    try:
        return ImageColor.getrgb(text)
    except ValueError:
        return ()
