"""Crop a box out of a picture and resize it to a model's input, and reduce a whole picture."""

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.input.frames import Frame
from tasks.media.planes.layout import Plane, nearest_layout, planes_to_rgb, tags_for_height, with_finer_chroma

Pixel = TypeVar("Pixel", np.uint8, np.uint16, np.float32)


def crop_and_resize(picture: NDArray[Pixel], edges_px: NDArray[np.float64], size_px: tuple[int, int]) -> NDArray[Pixel]:
    """The part of ``picture`` (h, w, ...) in the box ``edges_px``, resized to ``size_px`` (width, height).

    Box edges (x0, y0, x1, y1) lie between pixels (see ``tasks.maths.body.person_box``). Outside the picture its border
    pixels are repeated. Shrinking averages areas; enlarging is bilinear.
    """
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = (round(float(edge) + 0.5) for edge in edges_px)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    left, top = min(max(x0, 0), width - 1), min(max(y0, 0), height - 1)
    right, bottom = max(min(x1, width), left + 1), max(min(y1, height), top + 1)
    inside: NDArray[Any] = picture[top:bottom, left:right]
    if (left, top, right, bottom) != (x0, y0, x1, y1):
        down, across = (y1 - y0) - (bottom - top), (x1 - x0) - (right - left)
        above, before = min(max(top - y0, 0), down), min(max(left - x0, 0), across)
        inside = cv2.copyMakeBorder(inside, above, down - above, before, across - before, cv2.BORDER_REPLICATE)
    shrinks = (x1 - x0) * (y1 - y0) > size_px[0] * size_px[1]
    return np.asarray(cv2.resize(inside, size_px, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


def crop_rgb(
    picture: Frame, edges_px: NDArray[np.float64], size_px: tuple[int, int], *, full_chroma: bool = True
) -> NDArray[np.uint8]:
    """RGB (h, w, 3) of the box ``edges_px`` of ``picture``, resized to ``size_px``.

    Only the crop is converted to RGB. Its chroma has the subsampling of ``picture``, or none with ``full_chroma``:
    that takes 20 times as long to convert (1.8 against 0.07 ms for 384x384 from 4:2:0).
    """
    layout = picture.layout
    resized = with_finer_chroma(layout, nearest_layout("yuv444p")) if full_chroma else layout
    planes = []
    for number, plane in enumerate(picture.planes):
        step_x, step_y = (1 << shift if number else 1 for shift in layout.chroma_shift)
        step = np.array([step_x, step_y, step_x, step_y])
        planes.append(crop_and_resize(plane, (edges_px + 0.5) / step - 0.5, resized.plane_wh(number, size_px)))
    return planes_to_rgb(
        planes,
        resized,
        tags_for_height(picture.color, picture.planes[0].shape[0], size_px[1]),
    )


def small_rgb(picture: Frame, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """RGB (h, w, 3) of the whole of ``picture``, resized to ``size_px``; large planes are halved first.

    OpenCV halves in a fraction of the time that other sizes take: 320x181 from 1920x1088 took 3.8 instead of 5.9 ms,
    with other work beside. A plane is halved only while it is at least four times as wide and as high as asked for: the
    picture then differs from that of ``crop_rgb`` by 48 to 52 dB (four clips), and by 42 with more halves (one clip).
    """
    resized = with_finer_chroma(picture.layout, nearest_layout("yuv444p"))
    planes = [_by_halves(plane, resized.plane_wh(number, size_px)) for number, plane in enumerate(picture.planes)]
    return planes_to_rgb(planes, resized, tags_for_height(picture.color, picture.planes[0].shape[0], size_px[1]))


def _by_halves(plane: Plane, size_px: tuple[int, int]) -> Plane:
    height, width = plane.shape
    while width % 2 == height % 2 == 0 and width >= 4 * size_px[0] and height >= 4 * size_px[1]:
        width, height = width // 2, height // 2
        plane = np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))
    shrinks = width * height > size_px[0] * size_px[1]
    return np.asarray(cv2.resize(plane, size_px, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


def small_size(size_px: tuple[int, int], longest_px: int) -> tuple[int, int]:
    """(width, height) of a picture of ``size_px`` made smaller until its longer side is at most ``longest_px``."""
    factor = min(longest_px / max(size_px), 1.0)
    return max(round(size_px[0] * factor), 1), max(round(size_px[1] * factor), 1)


def reduced(picture: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """``picture`` (h, w) reduced to ``size_px`` (width, height).

    By a whole number first: OpenCV does that in a fraction of the time.
    """
    if picture.shape[::-1] == size_px:
        return picture
    step = min(picture.shape[1] // size_px[0], picture.shape[0] // size_px[1])
    if step > 1:
        whole_px = (picture.shape[1] // step, picture.shape[0] // step)
        picture = np.asarray(
            cv2.resize(picture[: whole_px[1] * step, : whole_px[0] * step], whole_px, interpolation=cv2.INTER_AREA)
        )
    return np.asarray(cv2.resize(picture, size_px, interpolation=cv2.INTER_AREA), np.uint8)


def box_to_source(edges_px: NDArray[Any], model_px: tuple[int, int]) -> NDArray[np.float64]:
    """2x3 matrix from the pixels of a crop to the source.

    The crop has the size ``model_px`` (width, height) and covers the box ``edges_px``.
    """
    x0, y0, x1, y1 = (float(edge) for edge in edges_px)
    scale_x, scale_y = (x1 - x0) / model_px[0], (y1 - y0) / model_px[1]
    return np.array([[scale_x, 0, x0 + scale_x / 2], [0, scale_y, y0 + scale_y / 2]])
