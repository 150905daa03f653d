"""Where people hide the background: the pose stage's masks of everybody in a frame, together and grown.

Also where a limb may be that the masks lose; where shadows may lie, around the feet, on the floor; and where somebody
may stand at the picture's edge.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Floats
from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask
from tasks.media.planes.crop import box_to_source

SHOWN: Final = 40  # of 255: probability from which a pixel counts as a person's
GROWN: Final = 0.02  # of the picture's longer side: by how much the masks are grown, for what people carry
LOST_GROWN: Final = 0.0125  # the same, of masks of other frames: more of it hides places in all frames of a runner
GROWN_DOWN: Final = 0.035  # the same as ``GROWN``, downward: for the shadow at the feet
FAR_PX: Final = 10_000  # of a small picture: farther joints are taken to be there

HIDES: Final = 255  # level of a place that a person hides
MAY_HIDE: Final = 191  # level of one that a limb may hide, which the masks of this frame lose
SHADED: Final = 127  # level, at most, of one that a person's shadow or somebody unseen may reach; it fades to 0
SHADOW_REACH: Final = 0.6  # of a person's height: how far a shadow reaches from the feet to the left and the right
SHADOW_DOWN: Final = 0.3  # the same downward
SHADOW_UP: Final = 0.08  # the same upward
SHADOW_FADES: Final = 0.06  # the same: on each side of a shadow's edge, over which its level falls to 0


class Limb(NamedTuple):
    """A line from joint to joint, as thick as the limb is."""

    joints_px: Floats  # (k, 2) in source pixels
    thick_px: float


class Standing(NamedTuple):
    """Where a person stands."""

    feet_px: Floats  # (k, 2) in source pixels
    height_px: float  # of the person


def people_mask(
    bodies: Iterable[Mask],
    size_px: tuple[int, int],
    small_px: tuple[int, int],
    limbs: Iterable[Limb] = (),
    grown_by: float = GROWN,
) -> Bytes:
    """(h, w) of ``small_px``: ``HIDES`` where one of the ``bodies`` or ``limbs`` lies or nearly lies.

    They are those of a picture of ``size_px``. ``grown_by`` is a share of its longer side.
    """
    to_small = scaling(size_px, small_px)
    seen = np.zeros(small_px[::-1], np.uint8)
    for body in bodies:
        height, width = body.probability.shape
        matrix = affine.compose(to_small, box_to_source(body.edges_px, (width, height)))
        first, last = affine.apply(matrix, np.array([[-1.0, -1.0], [width, height]]))
        x0, y0 = np.maximum(np.floor(first), 0).astype(int)
        x1, y1 = np.minimum(np.ceil(last) + 1, small_px).astype(int)
        if x1 > x0 and y1 > y0:
            there = affine.compose(affine.translation(np.array([-x0, -y0], np.float64)), matrix)
            moved = cv2.warpAffine(body.probability, there, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR)
            place = seen[y0:y1, x0:x1]
            np.maximum(place, moved, out=place)
    drawn = list(limbs)
    if drawn:
        joints_px = np.concatenate([limb.joints_px for limb in drawn])
        joints = np.rint(affine.apply(to_small, joints_px).clip(-FAR_PX, FAR_PX)).astype(np.int32)[:, None]
        first = 0
        for limb in drawn:
            line, first = joints[first : first + len(limb.joints_px)], first + len(limb.joints_px)
            thick = max(round(limb.thick_px * small_px[0] / size_px[0]), 1)
            cv2.polylines(seen, [line], False, 255, thick)
    return grown(cv2.threshold(seen, SHOWN - 1, 255, cv2.THRESH_BINARY)[1], grown_by)


def with_shadows(
    hidden: Bytes,
    standing: Iterable[Standing],
    size_px: tuple[int, int],
    small_px: tuple[int, int],
    lingering_px: Iterable[Floats] = (),
) -> Bytes:
    """``hidden`` (h, w) with up to ``SHADED`` where shadows of people may lie on the floor.

    The same in the boxes ``lingering_px`` (x0, y0, x1, y1) of the source, where somebody may stand who is not found.
    """
    to_small, shaded = scaling(size_px, small_px), np.zeros_like(hidden)
    softest = 1.0
    for feet_px, height_px in standing:
        feet, high = affine.apply(to_small, feet_px), height_px * small_px[1] / size_px[1]
        left, right = feet[:, 0].min() - SHADOW_REACH * high, feet[:, 0].max() + SHADOW_REACH * high
        top, bottom = feet[:, 1].min() - SHADOW_UP * high, feet[:, 1].max() + SHADOW_DOWN * high
        x0, y0, x1, y1 = np.rint(np.clip([left, top, right, bottom], 0, [*small_px, *small_px])).astype(int).tolist()
        shaded[y0:y1, x0:x1] = SHADED
        softest = max(softest, SHADOW_FADES * high)
    for box_px in lingering_px:
        corners = affine.apply(to_small, box_px.reshape(2, 2)).ravel()
        x0, y0, x1, y1 = np.rint(np.clip(corners, 0, [*small_px, *small_px])).astype(int).tolist()
        shaded[y0:y1, x0:x1] = SHADED
        softest = max(softest, SHADOW_FADES * (y1 - y0))
    return np.asarray(cv2.max(hidden, cv2.blur(shaded, (2 * round(softest) + 1,) * 2)), np.uint8)


def with_lost_limbs(hidden: Bytes, nearby: Bytes) -> Bytes:
    """``hidden`` (h, w) with at least ``MAY_HIDE`` where people are ``nearby`` in time: 255 there, 0 elsewhere."""
    return np.asarray(cv2.max(hidden, cv2.min(nearby, MAY_HIDE)), np.uint8)


def without_shadows(hidden: Bytes, *, limbs: bool = False) -> Bytes:
    """``hidden`` (h, w) with ``HIDES`` where people are, 0 elsewhere; with ``limbs`` also where one may be lost."""
    most = SHADED if limbs else MAY_HIDE
    return np.asarray(cv2.threshold(hidden, most, HIDES, cv2.THRESH_BINARY)[1], np.uint8)


def grown(shown: Bytes, by: float = GROWN) -> Bytes:
    """The mask (h, w), 0 or 255, grown on all sides ``by`` a share of the longer one, most of all downward."""
    x, y, across, down = cv2.boundingRect(shown)
    if across == 0:
        return shown
    longest = max(shown.shape)
    reach, below = (max(round(share * longest), 1) for share in (by, by * GROWN_DOWN / GROWN))
    round_kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near = np.s_[max(y - reach, 0) : y + down + below, max(x - reach, 0) : x + across + reach]
    wide = cv2.dilate(shown[near], round_kernel)
    if below > reach:
        wide = cv2.dilate(wide, np.ones((below - reach + 1, 1), np.uint8), anchor=(0, below - reach))
    whole = np.zeros_like(shown)
    whole[near] = wide
    return whole


def scaling(size_px: tuple[float, float], small_px: tuple[float, float]) -> NDArray[np.float64]:
    """2x3 matrix from the pixels of a picture of ``size_px`` to those of the same picture at ``small_px``."""
    across, down = small_px[0] / size_px[0], small_px[1] / size_px[1]  # asked for a dozen times a frame
    return np.array([[across, 0.0, (across - 1) / 2], [0.0, down, (down - 1) / 2]])
