"""A picture file as the background of a video (``background.image``)."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import SettingError
from tasks.media.planes.layout import PixelLayout, Planes
from tasks.media.planes.plane_color import rgb_to_planes
from tasks.records import MAX_PICTURE_PX, ColorTags
from tasks.untrusted.paths import exists, is_file

MAX_PICTURE_BYTES = 256 << 20
_CURE = "name a JPEG, PNG, WebP, TIFF or BMP file"
_SMALLER = f"give a picture of at most {MAX_PICTURE_PX >> 20} megapixels, such as one of the video's size"


def read_background_image(path: Path, digest: str = "") -> NDArray[np.uint8]:
    """``(h, w, 3)`` RGB of a JPEG, PNG, WebP, TIFF or BMP file, rotated as its EXIF data says.

    ``SettingError`` if it cannot be read, is not a picture, or has another SHA-256 than ``digest`` (if one is given).
    """
    if exists(path) and not is_file(path):  # reading a pipe would wait for ever
        raise SettingError(f"background.image: {path} is not a regular file; {_CURE}")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PICTURE_BYTES + 1)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        cure = "check the path, or put it back and run again" if gone else "make it readable, or name another picture"
        raise SettingError(f"background.image: {path} cannot be read ({error.strerror}); {cure}") from error
    if len(content) > MAX_PICTURE_BYTES:
        raise SettingError(f"background.image: {path} is larger than {MAX_PICTURE_BYTES >> 20} MiB; {_SMALLER}")
    if digest and hashlib.sha256(content).hexdigest() != digest:  # else the cache would keep it under the wrong key
        raise SettingError(f"background.image: {path} has changed since the run began; run the same command again")
    encoded = np.frombuffer(content, np.uint8)
    try:
        decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
    except cv2.error as error:  # for a picture that declares a larger size than OPENCV_IO_MAX_IMAGE_PIXELS
        raise SettingError(f"background.image: {path} has too many pixels; {_SMALLER}") from error
    if decoded is None:
        raise SettingError(f"background.image: {path} is not a picture; {_CURE}")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def scale_to_cover(rgb: NDArray[np.uint8], size_px: tuple[int, int], pixel_aspect: float) -> NDArray[np.uint8]:
    """``rgb`` scaled until it covers ``size_px``, then cut evenly on both sides.

    ``rgb`` has square pixels. The result has pixels of width / height ``pixel_aspect`` and is shown undistorted.
    """
    rows, columns = rgb.shape[:2]
    factor = max(size_px[0] * pixel_aspect / columns, size_px[1] / rows)
    width = max(round(columns * factor / pixel_aspect), size_px[0])
    height = max(round(rows * factor), size_px[1])
    interpolation = cv2.INTER_AREA if width < columns and height < rows else cv2.INTER_CUBIC
    scaled = cv2.resize(rgb, (width, height), interpolation=interpolation)
    left, top = (width - size_px[0]) // 2, (height - size_px[1]) // 2
    return np.asarray(scaled[top : top + size_px[1], left : left + size_px[0]])


def background_image_planes(
    rgb: NDArray[np.uint8],
    layout: PixelLayout,
    size_px: tuple[int, int],
    color: ColorTags,
    height_px: int,
    pixel_aspect: float,
) -> Planes:
    """``rgb`` covering ``size_px``, as planes for a clip with this colour, pixel aspect and picture height."""
    return rgb_to_planes(scale_to_cover(rgb, size_px, pixel_aspect), layout, color, height_px)
