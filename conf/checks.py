"""What a setting's check says: one line that names the setting, the fact and the cure."""

from tasks.errors import SettingError


def require(truth: bool, setting: str, fact: str, cure: str) -> None:
    """Raise a ``SettingError`` of one line that names the setting, the fact and the cure, unless ``truth``."""
    if not truth:
        raise SettingError(f"{setting}: {fact}; {cure}")


def color(setting: str, value: list[int]) -> None:
    """Require an ``[r,g,b]`` of bytes."""
    fine = len(value) == 3 and all(0 <= part <= 255 for part in value)
    require(fine, setting, f"{value} is not a colour", "give [r,g,b], each from 0 to 255")
