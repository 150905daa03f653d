"""Read pictures that the program wrote."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def read_picture(path: Path) -> NDArray[np.uint8]:
    """The picture at ``path``: (h, w, 3) BGR, with opacity (h, w, 4) BGRA."""
    return decode_picture(path.read_bytes())


def decode_picture(content: bytes) -> NDArray[np.uint8]:
    """The picture in ``content``: (h, w, 3) BGR, with opacity (h, w, 4) BGRA."""
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None, "this is no picture"
    return np.asarray(picture, np.uint8)
