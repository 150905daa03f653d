"""A picture from a file as the background of a video."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import SettingError
from tasks.media.planes.layout import PixelLayout, Planes
from tasks.media.planes.plane_color import rgb_to_planes
from tasks.paths import exists, is_file
from tasks.records import ColorTags


def read_picture(path: Path, digest: str = "") -> NDArray[np.uint8]:
    """``(h, w, 3)`` RGB of a JPEG, PNG, WebP, TIFF or BMP, turned as its EXIF data says.

    ``SettingError`` that names ``background.image`` when there is none, or one of another ``digest`` than is asked for.
    """
    cure = "name a JPEG, PNG, WebP, TIFF or BMP file"
    if exists(path) and not is_file(path):  # a pipe would be waited for
        raise SettingError(f"background.image: {path} is not a regular file; {cure}")
    try:
        content = path.read_bytes()
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        found = "check the path, or put it back and run again" if gone else "make it readable, or name another picture"
        raise SettingError(f"background.image: {path} cannot be read ({error.strerror}); {found}") from error
    if digest and hashlib.sha256(content).hexdigest() != digest:  # else another picture would bear its key, for ever
        raise SettingError(f"background.image: {path} was changed while it was worked on; run the same command again")
    coded = np.frombuffer(content, np.uint8)
    try:
        decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR) if coded.size else None
    except cv2.error as error:  # of a picture that says it is larger than OpenCV reads
        raise SettingError(f"background.image: {path} is too large; give a smaller picture") from error
    if decoded is None:
        raise SettingError(f"background.image: {path} is no picture; {cure}")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def covering(rgb: NDArray[np.uint8], size_px: tuple[int, int], pixel_aspect: float) -> NDArray[np.uint8]:
    """``rgb`` scaled until it fills ``size_px``, what is too much cut off evenly on both sides.

    ``rgb`` has square pixels, the result some of width / height ``pixel_aspect``: it is shown in its own shape.
    """
    rows, columns = rgb.shape[:2]
    factor = max(size_px[0] * pixel_aspect / columns, size_px[1] / rows)
    wide = max(round(columns * factor / pixel_aspect), size_px[0])
    high = max(round(rows * factor), size_px[1])
    kind = cv2.INTER_AREA if wide < columns and high < rows else cv2.INTER_CUBIC
    scaled = cv2.resize(rgb, (wide, high), interpolation=kind)
    left, top = (wide - size_px[0]) // 2, (high - size_px[1]) // 2
    return np.asarray(scaled[top : top + size_px[1], left : left + size_px[0]])


def still_planes(
    rgb: NDArray[np.uint8],
    layout: PixelLayout,
    size_px: tuple[int, int],
    color: ColorTags,
    height_px: int,
    pixel_aspect: float,
) -> Planes:
    """The picture filling ``size_px``, for a clip with these colours and pixels and pictures of ``height_px`` rows."""
    return rgb_to_planes(covering(rgb, size_px, pixel_aspect), layout, color, height_px)
