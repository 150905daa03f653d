"""State of a frame: how the subject's position in it is known. These words are written to files."""

from typing import Final

MEASURED: Final = "measured"  # by the pose model
BRIDGED: Final = "bridged"  # by the torso's feature motion
INTERPOLATED: Final = "interpolated"  # between frames with a known position
HELD: Final = "held"  # from the nearest frame with a known position
ABSENT: Final = "absent"  # interpolated or held for so long that nobody is there
SEEN_STATES: Final = (MEASURED, BRIDGED)
FILLED_STATES: Final = (INTERPOLATED, HELD)
