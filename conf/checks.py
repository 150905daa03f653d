"""What a setting's check says: one line that names the setting, the fact and the cure."""

from tasks.errors import SettingError

# Beyond these a value means nothing more, and 64-bit floats no longer carry what is reckoned with it.
LONGEST_S = 86_400.0  # a day: no clip is longer
WIDEST_PX = 100_000.0  # no codec has pictures as wide
FASTEST_HZ = 1000.0  # no clip that people are filmed in has more frames a second
FASTEST_PX_S = WIDEST_PX * FASTEST_HZ  # across the widest picture from one frame to the next


def require(truth: bool, setting: str, fact: str, cure: str) -> None:
    """Raise a ``SettingError`` of one line that names the setting, the fact and the cure, unless ``truth``."""
    if not truth:
        raise SettingError(f"{setting}: {fact}; {cure}")


def at_most(most: float, setting: str, value: float | None, unit: str, null: str = "") -> None:
    """Require that ``value`` is null or not beyond the ``most`` that makes sense; ``null`` says what null does."""
    fact = f"{value} {unit} is more than has a meaning"
    require(value is None or value <= most, setting, fact, f"give up to {most:.15g}{null}")


def color(setting: str, value: list[int]) -> None:
    """Require an ``[r,g,b]`` of bytes."""
    fine = len(value) == 3 and all(0 <= part <= 255 for part in value)
    require(fine, setting, f"{value} is not a colour", "give [r,g,b], each from 0 to 255")
