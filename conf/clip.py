"""The part of a video that is used."""

import re
from dataclasses import dataclass
from typing import Any

from conf.enums import ClipTime
from conf.validation import MAX_DURATION_S, require, require_at_most
from tasks.errors import SettingError

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:\.\d{1,9})?)")


@dataclass
class ClipConf:
    from_s: Any = None
    """Start of the part that is used: seconds after the first frame, or a time such as 00:01:02.5; null: the start
    of the file. In a YAML file its name is from_s."""
    to_s: Any = None
    """End of that part, in the same way; the frame that begins then is not used. null: the end.
    In a YAML file its name is to_s."""
    time: ClipTime = ClipTime.real
    """Seconds of the exports events, angles, mot, trc and c3d for slow motion and time lapse, where the file tells its
    capture rate; real: of the person who was filmed, played: of the file. For other files they are the same."""

    def __post_init__(self) -> None:
        self.from_s, self.to_s = seconds("clip.from", self.from_s), seconds("clip.to", self.to_s)
        empty = self.to_s is not None and self.to_s <= (self.from_s or 0.0)
        fact = f"a part from {self.from_s or 0:g} s to {self.to_s or 0:g} s is empty"
        require(not empty, "clip.to", fact, "give a later end")

    @property
    def whole(self) -> bool:
        """Whether all of the file is used."""
        return self.to_s is None and not self.from_s


def seconds(setting: str, value: Any) -> float | None:
    """A number of seconds, or a clock time as text, in seconds; ``SettingError`` for anything else."""
    if value is None:
        return None
    clock = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if clock:
        found = 3600 * int(clock[1] or 0) + 60 * int(clock[2]) + float(clock[3])
    elif isinstance(value, int | float) and not isinstance(value, bool):
        require_at_most(MAX_DURATION_S, setting, value, "s")
        found = float(value)
    else:
        cure = "give seconds such as 62.5, or 00:01:02.5"
        raise SettingError(f"{setting}: {value!r} is not a time; {cure}")
    require(found >= 0, setting, f"{found:g} s is negative", "give 0 or more")
    require_at_most(MAX_DURATION_S, setting, found, "s")
    return found
