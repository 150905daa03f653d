"""The timecode of a frame, ``hh:mm:ss:ff``, by which editing programs find it: arithmetic by the standard SMPTE 12M.

At 29.97 and 59.94 Hz the text ``hh:mm:ss;ff`` is a drop-frame timecode: each minute but every tenth begins with frame 2
(29.97 Hz) or 4, so that the timecode keeps up with the clock. No frame of the video is dropped.
"""

import re
from fractions import Fraction
from typing import Final

_TIMECODE: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)([:;.])(\d{2,3})")
_DROP_FRAME_HZ: Final = 30  # the multiples of it, rounded, are the rates that have drop-frame timecodes
_NUMBERS_A_RATE: Final = 15  # one number of so many is left out at the beginning of a minute: 2 of 30


def is_timecode(text: str, rate: Fraction) -> bool:
    """Whether ``text`` is the timecode of a frame in a video of ``rate`` frames a second."""
    found, nominal = _TIMECODE.fullmatch(text), round(rate)
    if found is None or not int(found[5]) < nominal:
        return False
    minutes, seconds, frame = int(found[2]), int(found[3]), int(found[5])
    if found[4] == ":":
        return True
    left_out = minutes % 10 and not seconds and frame < nominal // _NUMBERS_A_RATE
    return nominal % _DROP_FRAME_HZ == 0 and not left_out


def later_timecode(text: str, frames: int, rate: Fraction) -> str:
    """The timecode ``frames`` after ``text``; after a day it begins again at 0. ``ValueError`` for no timecode."""
    found, nominal = _TIMECODE.fullmatch(text), round(rate)
    if found is None:
        raise ValueError(f"{text!r} is no timecode")
    hours, minutes, seconds, mark, frame = found.groups()
    dropped = 0 if mark == ":" else nominal // _NUMBERS_A_RATE
    a_minute, ten_minutes = 60 * nominal - dropped, 600 * nominal - 9 * dropped
    minute = 60 * int(hours) + int(minutes)
    number = 60 * nominal * minute + nominal * int(seconds) + int(frame) - dropped * (minute - minute // 10) + frames
    tens, rest = divmod(number % (144 * ten_minutes), ten_minutes)
    number = 600 * nominal * tens + rest + dropped * max(0, (rest - dropped) // a_minute)
    second, frame_of_second = divmod(number, nominal)
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}{mark}{frame_of_second:0{len(frame)}}"
