"""The state of a frame: how it is known where the subject is in it. These words are written to files."""

from typing import Final

MEASURED: Final = "measured"  # by the pose model
BRIDGED: Final = "bridged"  # by the motion of the subject's surface
INTERPOLATED: Final = "interpolated"  # between the frames in which it is known
HELD: Final = "held"  # from the nearest frame in which it is known
ABSENT: Final = "absent"  # interpolated or held for long: nobody is there
SEEN_STATES: Final = (MEASURED, BRIDGED)
FILLED_STATES: Final = (INTERPOLATED, HELD)
