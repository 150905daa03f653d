"""Where the chroma samples of 4:2:0 lie among the luma samples: read from a file, and turned with the picture."""

import re
from threading import Lock
from typing import Any

import av.logging

_NAMES = ("unspecified", "left", "center", "topleft", "top", "bottomleft", "bottom")
"""FFmpeg's names in the order of its codes (AVChromaLocation)."""

# Code: half luma pixels, right and down, from the first luma sample to the chroma sample.
_PLACES = {1: (0, 1), 2: (1, 1), 3: (0, 0), 4: (1, 0), 5: (0, 2), 6: (1, 2)}
_CODES = {place: code for code, place in _PLACES.items()}
_UNSPECIFIED, _LEFT = 0, 1

_logging = Lock()


def chroma_location(container: Any, stream_index: int) -> int:
    """FFmpeg's code of the chroma location of a stream of ``container`` (an ``av.InputContainer``); 0: not said.

    PyAV has no attribute for it; FFmpeg's description of the file names it at its verbose level.
    """
    with _logging:
        level = av.logging.get_level()
        av.logging.set_level(av.logging.VERBOSE)
        av.logging.set_libav_level(av.logging.VERBOSE)
        try:
            text = container.dumps_format()
        finally:
            av.logging.set_libav_level(av.logging.INFO)
            av.logging.set_level(level)
    found = re.search(rf"Stream #0:{stream_index}\b.*Video: .*?, \w+\(([^)]*)\)", text)
    words = found[1].replace("/", ", ").split(", ") if found else []
    return next((_NAMES.index(word) for word in words if word in _NAMES[1:]), _UNSPECIFIED)


def turned(code: int, degrees: int, mirrored: bool) -> int:
    """The location after a clockwise turn of the picture, then perhaps a mirroring left-right.

    A place on the right, which no code names, becomes the middle: half a luma pixel off. Without a turn
    unspecified stays so; with one it is taken as left, the usual place.
    """
    if not degrees and not mirrored:
        return code
    x, y = _PLACES[code or _LEFT]
    for _ in range(degrees // 90):
        x, y = 2 - y, x
    if mirrored:
        x = 2 - x
    return _CODES[min(x, 1), y]
