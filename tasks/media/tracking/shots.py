"""Shots: the stretches of a film between scene cuts, told from small pictures of consecutive frames (OpenCV).

A cut shows another scene at once: the small picture differs, however it is shifted. A flash also differs, but the scene
is the same after it. At a low frame rate a fast body or a shaken camera makes all neighbouring frames differ: a cut
differs from them by far more. A picture without any structure, such as black between two scenes, is a shot of its own.

The limits were measured on consecutive frames of 12 clips and on 600 pairs of frames from two clips: the correlation
was 0.81 to 1.00 against at most 0.48, and 0.75 to 1.00 against at most 0.79 for the best shift. A zoom by 1.15 from one
frame to the next has 0.43 and 0.81.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Final, Protocol, TypeVar

import cv2
import numpy as np

from tasks.maths.arrays import Bytes
from tasks.media.planes.crop import reduced

SMALL_PX: Final = (64, 36)  # width and height of the small picture
SHIFT_PX: Final = (8, 4)  # of the small picture, each way: a pan is no cut
LEAST_CHANGE: Final = 6.0  # mean levels of luma: less is no cut
SAME_CORRELATION: Final = 0.6  # from here on both frames show one scene
SAME_SHIFTED_CORRELATION: Final = 0.83  # the same for the best shift
BLANK_STD: Final = 1.5  # levels of luma: a picture with less shows nothing
STRUCTURED_STD: Final = 4.0  # from here on a picture shows something again
FLASH_FRAMES: Final = 3  # a flash is over within this number of frames
NEIGHBOURS: Final = FLASH_FRAMES  # pairs of frames before and after a cut that tell how much the scene moves
REPEATED_CHANGE: Final = 0.5  # mean levels of luma: with less the frame is repeated, which tells nothing of motion
# So much is the correlation for the best shift at a cut below the median of its neighbours. In 60 films, most at 15
# frames a second, it was 0.31 to 1.2 at cuts, and at most 0.3 at 195 pairs that differ by motion, but for a few.
LEAST_DROP: Final = 0.3


class LumaFrame(Protocol):
    """A frame with its luma."""

    @property
    def reduced_luma(self) -> Bytes:
        """(h, w) of the whole picture, reduced."""
        ...


AnyFrame = TypeVar("AnyFrame", bound=LumaFrame)


def number_shots(stream: Iterable[AnyFrame]) -> Iterator[tuple[AnyFrame, int]]:
    """Each frame with the number of its shot, from 0 on. Where frames differ, up to ``FLASH_FRAMES`` are read ahead."""
    source = ((frame, small_picture(frame.reduced_luma)) for frame in stream)
    ahead: deque[tuple[AnyFrame, Bytes]] = deque()
    earlier: deque[Bytes] = deque(maxlen=NEIGHBOURS + 1)  # small pictures; that of the frame before is the last
    shot, blank = 0, False  # of the frame before
    while True:
        ahead.extend(islice(source, 0 if ahead else 1))
        if not ahead:
            return
        frame, small = ahead.popleft()
        spread = float(small.std())
        shows_nothing = spread < (STRUCTURED_STD if blank else BLANK_STD)
        if earlier and differs(earlier[-1], small):
            ahead.extend(islice(source, FLASH_FRAMES - len(ahead)))
            if not all(differs(earlier[-1], later) for _, later in ahead):
                yield frame, shot  # a flash: what follows is compared with what was before it
                continue
            if stands_out(list(earlier), [small, *(later for _, later in ahead)]):
                shot, blank = shot + 1, spread < BLANK_STD
        elif shows_nothing is not blank:
            shot, blank = shot + bool(earlier), shows_nothing
        earlier.append(small)
        yield frame, shot


def small_picture(luma: Bytes) -> Bytes:
    """The picture in ``SMALL_PX``, (h, w)."""
    return reduced(luma, SMALL_PX)


def differs(before: Bytes, after: Bytes) -> bool:
    """Whether two small pictures of consecutive frames show different scenes, or a scene that moves much."""
    if change(before, after) < LEAST_CHANGE:
        return False
    if either_is_blank(before, after):
        return True
    if float(np.corrcoef(before.ravel(), after.ravel())[0, 1]) >= SAME_CORRELATION:
        return False
    return likeness(before, after) < SAME_SHIFTED_CORRELATION


def stands_out(before: Sequence[Bytes], after: Sequence[Bytes]) -> bool:
    """Whether the scene changes from the last small picture ``before`` to the first one ``after``.

    Both are in order of time. Between two scenes more changes than from frame to frame on both sides.
    """
    last, first = before[-1], after[0]
    if either_is_blank(last, first):
        return True
    moving = [
        likeness(one, other)
        for one, other in (*pairwise(before), *pairwise(after))
        if change(one, other) >= REPEATED_CHANGE and not either_is_blank(one, other)
    ]
    return not moving or likeness(last, first) < float(np.median(moving)) - LEAST_DROP


def change(before: Bytes, after: Bytes) -> float:
    """Mean difference of two small pictures, in levels of luma."""
    return float(np.abs(before.astype(np.float32) - after).mean())


def either_is_blank(before: Bytes, after: Bytes) -> bool:
    """Whether one of two small pictures is blank, so that they cannot be correlated."""
    return min(float(before.std()), float(after.std())) < BLANK_STD


def likeness(before: Bytes, after: Bytes) -> float:
    """Correlation of two small pictures for the best shift, -1 to 1."""
    across, down = SHIFT_PX
    inner = before[down:-down, across:-across]
    return float(cv2.matchTemplate(after, inner, cv2.TM_CCOEFF_NORMED).max())
