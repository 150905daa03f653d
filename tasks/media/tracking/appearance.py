"""Appearance of a person's clothes: small colour histograms of torso and thighs, to tell people apart (OpenCV)."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import (
    CLOTHES_REGIONS,
    COLOR_BINS,
    HIPS,
    LEFT_HIP,
    LEFT_KNEE,
    RIGHT_HIP,
    RIGHT_KNEE,
    SHOULDERS,
    hip_midpoint,
    shoulder_midpoint,
    torso_length_px,
)
from tasks.maths.tracking.squares import Square, square_about

# ``_TORSOS``: in lengths of the torso.
MAX_TORSO_PX: Final = 40.0  # a longer torso is scaled down to this
MIN_CLOTH_HALF_WIDTH_TORSOS: Final = 0.14  # for a torso seen from the side
THIGH_WIDTH_TORSOS: Final = 0.16  # width of a thigh's cloth
LAB_GREY: Final = 128.0  # grey in OpenCV's a and b
LAB_HALF_SPAN: Final = 48.0  # range of a and b to each side of grey; clothes go little further


def clothing_histograms(rgb: NDArray[np.uint8], landmarks: Floats) -> NDArray[np.float32]:
    """(REGIONS, 3, COLOR_BINS) histograms of lightness, a and b (CIELAB) in the cloth of torso and thighs.

    ``landmarks`` is (33, 2 or more), in px of ``rgb``. A region outside the picture is NaN.
    """
    empty = np.full((CLOTHES_REGIONS, 3, COLOR_BINS), np.nan, np.float32)
    xy = landmarks[:, :2]
    length, limit = float(torso_length_px(xy)), np.array(rgb.shape[1::-1])
    first, last = _cloth_box(xy)
    low, high = (np.clip(edge, 0, limit).astype(int) for edge in (np.floor(first), np.ceil(last)))
    if length < 4 or (high - low).min() < 4:
        return empty
    scale = min(1.0, MAX_TORSO_PX / length)
    width, height = np.maximum(np.round((high - low) * scale), 2).astype(int).tolist()
    part = cv2.resize(rgb[low[1] : high[1], low[0] : high[0]], (width, height), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(part, cv2.COLOR_RGB2LAB).astype(np.float64)
    places = (xy - low) * scale
    masks = (_torso_mask(places, length * scale, (width, height)), _thigh_mask(places, length * scale, (width, height)))
    for region, mask in enumerate(masks):
        if np.count_nonzero(mask) >= 12:
            empty[region] = _histograms(lab[mask > 0])
    return empty


def clothed_square(landmarks: Floats) -> Square:
    """The square that holds the cloth of torso and thighs, of landmarks (33, 2 or more)."""
    low, high = _cloth_box(landmarks[:, :2])
    return square_about((low + high) / 2, float((high - low).max()))


def _cloth_box(xy: Floats) -> tuple[Floats, Floats]:
    """The lowest and the highest x and y of the cloth of torso and thighs of landmarks (33, 2)."""
    corners = xy[[*HIPS, *SHOULDERS, LEFT_KNEE, RIGHT_KNEE]]
    beside = MIN_CLOTH_HALF_WIDTH_TORSOS * float(torso_length_px(xy))
    return corners.min(axis=0) - beside, corners.max(axis=0) + beside


def _torso_mask(xy: Floats, length: float, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The middle of the torso, between shoulders and hips. A torso seen from the side has a minimum width."""
    hip = hip_midpoint(xy)
    axis = (shoulder_midpoint(xy) - hip) / length
    across = max(float(np.hypot(*(xy[a] - xy[b]))) for a, b in (SHOULDERS, HIPS))
    side = np.array([-axis[1], axis[0]]) * max(0.35 * across, MIN_CLOTH_HALF_WIDTH_TORSOS * length)
    low, high = hip + 0.1 * length * axis, hip + 0.9 * length * axis
    mask = np.zeros(size_px[::-1], np.uint8)
    corners = np.round(np.array([low - side, low + side, high + side, high - side])).astype(np.int32)
    cv2.fillConvexPoly(mask, corners, 1)
    return mask


def _thigh_mask(xy: Floats, length: float, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    mask = np.zeros(size_px[::-1], np.uint8)
    for hip, knee in ((LEFT_HIP, LEFT_KNEE), (RIGHT_HIP, RIGHT_KNEE)):
        start, end = xy[hip] + 0.15 * (xy[knee] - xy[hip]), xy[hip] + 0.85 * (xy[knee] - xy[hip])
        ends = np.round(np.array([start, end])).astype(int).tolist()
        cv2.line(mask, ends[0], ends[1], 1, max(1, round(THIGH_WIDTH_TORSOS * length)))
    return mask


def _histograms(lab: Floats) -> NDArray[np.float32]:
    """(3, COLOR_BINS) histograms of pixels (k, 3). Each pixel is split linearly between its two nearest bins."""
    scaled = np.stack([lab[:, 0] / 255, *((lab[:, 1:] - LAB_GREY).T / (2 * LAB_HALF_SPAN) + 0.5)])
    place = np.clip(scaled, 0, 1) * (COLOR_BINS - 1)
    first = np.minimum(place.astype(int), COLOR_BINS - 2)
    part = place - first
    shares = np.zeros((3, COLOR_BINS))
    for row in range(3):
        shares[row] += np.bincount(first[row], 1 - part[row], COLOR_BINS)
        shares[row] += np.bincount(first[row] + 1, part[row], COLOR_BINS)
    return np.asarray(shares / len(lab), np.float32)
