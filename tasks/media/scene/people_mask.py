"""Where people hide the background: the pose stage's masks of everybody in a frame, together and grown."""

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask
from tasks.media.planes.crop import box_to_source

Bytes = NDArray[np.uint8]

SHOWN: Final = 40  # of 255: probability from which a pixel counts as a person's
GROWN: Final = 0.02  # of the picture's longer side: by how much the masks are grown, for what people carry
GROWN_DOWN: Final = 0.035  # the same downward, for the shadow at the feet


def small_size(size_px: tuple[int, int], longest_px: int) -> tuple[int, int]:
    """(width, height) of a picture of ``size_px`` made smaller until its longer side is at most ``longest_px``."""
    factor = min(longest_px / max(size_px), 1.0)
    return max(round(size_px[0] * factor), 1), max(round(size_px[1] * factor), 1)


def people_mask(bodies: Iterable[Mask], size_px: tuple[int, int], small_px: tuple[int, int]) -> Bytes:
    """(h, w) of ``small_px``: 255 where one of the ``bodies`` of a picture of ``size_px`` lies or nearly lies."""
    to_small = scaling(size_px, small_px)
    seen = np.zeros(small_px[::-1], np.uint8)
    for body in bodies:
        height, width = body.probability.shape
        matrix = affine.compose(to_small, box_to_source(body.edges_px, (width, height)))
        moved = cv2.warpAffine(body.probability, matrix, small_px, flags=cv2.INTER_LINEAR)
        seen = np.maximum(seen, moved)
    shown = np.where(seen >= SHOWN, np.uint8(255), np.uint8(0))
    return grown(shown) if shown.any() else shown


def grown(shown: Bytes) -> Bytes:
    """The mask grown on all sides, most of all downward."""
    longest = max(shown.shape)
    reach, below = (max(round(share * longest), 1) for share in (GROWN, GROWN_DOWN))
    round_kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    wide = cv2.dilate(shown, round_kernel)
    down = np.ones((below - reach + 1, 1), np.uint8)
    return np.asarray(cv2.dilate(wide, down, anchor=(0, below - reach)) if below > reach else wide, np.uint8)


def scaling(size_px: tuple[int, int], small_px: tuple[int, int]) -> NDArray[np.float64]:
    """2x3 matrix from the pixels of a picture of ``size_px`` to those of the same picture at ``small_px``."""
    factor = np.array(small_px) / np.array(size_px)
    return np.column_stack([np.diag(factor), (factor - 1) / 2])
