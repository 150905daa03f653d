"""A picture from a file as the background of a video."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import SettingError
from tasks.media.layout import PixelLayout, Planes
from tasks.media.plane_color import planes_of_rgb
from tasks.records import ColorTags


def read_picture(path: Path) -> NDArray[np.uint8]:
    """``(h, w, 3)`` RGB of a JPEG, PNG, WebP, TIFF or BMP, turned as its EXIF data says.

    ``SettingError`` that names ``background.image`` when there is none.
    """
    cure = "name a JPEG, PNG, WebP, TIFF or BMP file"
    try:
        coded = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise SettingError(f"background.image: {path} cannot be read ({error.strerror}); {cure}") from error
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR) if coded.size else None
    if decoded is None:
        raise SettingError(f"background.image: {path} is no picture; {cure}")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def covering(rgb: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """``rgb`` scaled until it fills ``size_px``, what is too much cut off evenly on both sides."""
    rows, columns = rgb.shape[:2]
    factor = max(size_px[0] / columns, size_px[1] / rows)
    wide, high = max(round(columns * factor), size_px[0]), max(round(rows * factor), size_px[1])
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(rgb, (wide, high), interpolation=kind)
    left, top = (wide - size_px[0]) // 2, (high - size_px[1]) // 2
    return np.asarray(scaled[top : top + size_px[1], left : left + size_px[0]])


def still_planes(path: Path, layout: PixelLayout, size_px: tuple[int, int], color: ColorTags, height_px: int) -> Planes:
    """The picture filling ``size_px``, for a clip with these colours and pictures of ``height_px`` rows."""
    return planes_of_rgb(covering(read_picture(path), size_px), layout, color, height_px)
