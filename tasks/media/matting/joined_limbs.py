"""Join a part of a person that the masks miss with the person: a shoe alone in the air is no cut-out."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Flags, Floats, Singles

# Levels beyond all that the plate shows at a pixel and next to it, and of both chroma planes together. Those of the
# limbs are choices: looked at in the treadmill's frames, where a shin in the shade is brown before brown cardboard.
DIFFERS_LUMA: Final = 14.0
DIFFERS_CHROMA: Final = 6.0
LIMB: Final = 0.032  # of the height of what is compared: thickness of what joins a part with the person
LIMB_LEVELS: Final = 14.0  # difference from the plate, all planes together, at which a limb is most likely there
LIMB_WAY: Final = 0.25  # length of a way over such places, compared with one over places that look like the plate
LIMB_STEPS: Final = 24  # places along each way that are looked at
LIMB_ENDS: Final = 24  # about as many places at the edge of the person are tried as the end of such a way
FEET: Final = 0.6  # of the person's rows: a part whose middle lies lower is a leg's end, which hangs from above
HANGS: Final = 0.25  # of the way from the top of such a part to its middle: the leg does not come from below that
TOUCHES_PX: Final = 2  # of what is compared: up to here a part needs no limb
_SQUARE: Final = np.ones((3, 3), np.uint8)


class Limbs(NamedTuple):
    """Where limbs may lie in what is compared. Arrays are (h, w)."""

    off: Singles  # how far the picture differs from the plate, all planes together
    free: Flags  # outside the mask, where the picture differs, or no other frame saw the background
    inside: Bytes  # 1 in the mask
    large: Bytes  # 1 in its pieces, small ones left out
    body: Bytes  # 1 in its largest piece

    def join(self, parts: Bytes, part: Flags) -> None:
        """Add to ``parts`` (h, w), 255 there, what lies between a ``part`` (h, w) and the person."""
        rows, columns = np.nonzero(part)
        at = np.array([columns.mean(), rows.mean()])
        upper = part.view(np.uint8).copy()
        upper[int(at[1]) + 1 :] = 0
        if not np.any(_grown(upper, TOUCHES_PX) & self.large & ~part.view(np.uint8)):
            limb = np.zeros_like(parts)
            ends = np.rint(at).astype(int).tolist(), self._end_of_limb(at, int(rows[0])).tolist()
            cv2.line(limb, *ends, 255, max(2 * round(LIMB * len(parts)), 3))
            np.copyto(parts, limb, where=(limb > 0) & self.free)
        between = _grown((parts > 0).view(np.uint8), 1) & _grown(self.inside, 1)  # a line there shows as a slit
        np.copyto(parts, between * np.uint8(255), where=(between > 0) & self.free)

    def _end_of_limb(self, at: Floats, top: int) -> NDArray[np.int64]:
        """Where (2,) at the person's edge the limb ends of a part with its middle ``at`` (2,) and its ``top`` row.

        It is not always the nearest place: a raised foot hangs from the knee, beside the other leg. The way over places
        that are farther ``off`` the plate is shorter.
        """
        _, first, _, down = cv2.boundingRect(self.body)
        body = cv2.findNonZero(self.body - cv2.erode(self.body, _SQUARE)).reshape(-1, 2)
        if at[1] > first + FEET * down:
            body = body[body[:, 1] <= max(top + HANGS * (at[1] - top), body[:, 1].min())]
        body = body[:: max(len(body) // LIMB_ENDS, 1)]
        share = np.linspace(0, 1, LIMB_STEPS)[:, None, None]
        x, y = np.moveaxis(at + share * (body - at), 2, 0).astype(np.float32)
        like = cv2.remap(cv2.min(self.off, LIMB_LEVELS), x, y, cv2.INTER_LINEAR) / np.float32(LIMB_LEVELS)
        inside = cv2.remap(self.inside, x, y, cv2.INTER_NEAREST) > 0
        ways = np.where(inside, 1, 1 - (1 - LIMB_WAY) * like).mean(axis=0) * np.linalg.norm(body - at, axis=1)
        return np.asarray(body[np.argmin(ways)], np.int64)


def limbs_between(
    picture: Sequence[Bytes], plate: Sequence[Bytes], seen: Flags, inside: Bytes, pieces: Sequence[Flags]
) -> Limbs:
    """Limbs of a ``picture``, luma and chroma (h, w), before its ``plate``, which other frames have ``seen`` (h, w).

    ``pieces`` (h, w) are those of the mask, the largest first; small ones are left out.
    """
    off = np.zeros(inside.shape, np.float32)
    free = ~seen
    for shown, old, levels in zip(picture, plate, (DIFFERS_LUMA, DIFFERS_CHROMA, DIFFERS_CHROMA), strict=True):
        change = cv2.absdiff(shown, old)
        free |= change > levels
        off += change
    large = np.logical_or.reduce(pieces).view(np.uint8)
    return Limbs(off, free & (inside == 0), inside, large, pieces[0].view(np.uint8))


def _grown(flags: Bytes, reach: int) -> Bytes:
    return np.asarray(cv2.dilate(flags, np.ones((2 * reach + 1,) * 2, np.uint8)), np.uint8)
