"""A word written on a picture: white with a soft shadow, on brightness alone, so that the colours stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.matting.matte import Alpha
from tasks.media.planes.layout import PixelLayout

FONT: Final = cv2.FONT_HERSHEY_DUPLEX
CAPITAL_PX: Final = 22  # height of that font's capitals at scale 1
FINER: Final = 4  # drawn so many times larger, then reduced
SHADE: Final = 0.7  # of the brightness that the shadow takes away where it is darkest
MARGIN: Final = 1.2  # between the word and the picture's edge, in heights of a capital


@dataclass(frozen=True)
class Label:
    """A word: how far each pixel is ink and how far shadow, (h, w), 0..1, with the margin around it."""

    ink: Alpha
    shade: Alpha


def label(text: str, capital_px: float) -> Label:
    """``text`` with capitals about ``capital_px`` high."""
    scale = capital_px * FINER / CAPITAL_PX
    thickness = max(round(2 * scale), 1)
    (width, height), below = cv2.getTextSize(text, FONT, scale, thickness)
    margin = round(MARGIN * capital_px) * FINER
    rows, columns = (-(-length // FINER) * FINER for length in (height + below + 2 * margin, width + 2 * margin))
    drawn = np.zeros((rows, columns), np.uint8)
    cv2.putText(drawn, text, (margin, margin + height), FONT, scale, 255, thickness, cv2.LINE_AA)
    ink = cv2.resize(drawn, (columns // FINER, rows // FINER), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    spread = cv2.GaussianBlur(ink, (0, 0), max(capital_px * 0.35, 1.0))
    return Label(ink, np.asarray(SHADE * spread / spread.max()))


def stamp(
    planes: Sequence[NDArray[Any]],
    word: Label,
    corner_xy: tuple[int, int],
    layout: PixelLayout,
    white: Sequence[int],
    black: Sequence[int],
) -> None:
    """Write ``word`` into ``planes``, its upper left at ``corner_xy``; what does not fit is cut off.

    ``white`` and ``black`` are one value a plane. RGB is written in all planes, YUV in brightness.
    """
    x, y = corner_xy
    for index in range(3 if layout.is_rgb else 1):
        part = planes[index][y:, x:][: word.ink.shape[0], : word.ink.shape[1]]
        ink, shade = (alpha[: part.shape[0], : part.shape[1]] for alpha in (word.ink, word.shade))
        dark = part + shade * (black[index] - part.astype(np.float32))
        part[:] = np.rint(dark + ink * (white[index] - dark)).astype(part.dtype)
