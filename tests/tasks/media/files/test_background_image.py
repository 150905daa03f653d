"""A background picture covers the frame, undistorted and in its own colours."""

import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.errors import SettingError
from tasks.media.files.background_image import background_image_planes, read_background_image, scale_to_cover
from tasks.media.planes.layout import nearest_layout, planes_to_rgb
from tasks.records import ColorTags


def write(path: Path, rgb: np.ndarray) -> Path:
    path.write_bytes(cv2.imencode(path.suffix, rgb[..., ::-1])[1].tobytes())
    return path


@pytest.mark.parametrize("size_px", [(64, 48), (300, 40), (40, 300), (321, 243)])
def test_a_picture_covers_the_frame_around_its_centre(size_px: tuple[int, int]) -> None:
    rgb = np.zeros((100, 150, 3), np.uint8)
    rgb[..., 0] = np.arange(150)[None] + 50
    rgb[..., 1] = np.arange(100)[:, None] + 100
    shown = scale_to_cover(rgb, size_px, 1.0)
    assert shown.shape == (size_px[1], size_px[0], 3)
    for axis, channel, middle in ((1, 0, 124.5), (0, 1, 149.5)):
        line = shown[..., channel].mean(axis=1 - axis)
        assert line.mean() == pytest.approx(middle, abs=1.0)


@pytest.mark.parametrize("size_px", [(128, 96), (300, 200), (100, 150)])
@pytest.mark.parametrize("pixel_aspect", [2.0, 0.5])
def test_a_circle_stays_round_with_non_square_pixels(size_px: tuple[int, int], pixel_aspect: float) -> None:
    y, x = np.mgrid[:300, :400]
    rgb = np.repeat(np.where(np.hypot(x - 199.5, y - 149.5) < 15, 255, 0).astype(np.uint8)[..., None], 3, axis=-1)
    rows, columns = np.nonzero(scale_to_cover(rgb, size_px, pixel_aspect)[..., 0] > 127)
    wide, high = (np.ptp(columns) + 1) * pixel_aspect, np.ptp(rows) + 1
    assert wide == pytest.approx(high, abs=1 + pixel_aspect)
    shown = size_px[0] * pixel_aspect, size_px[1]
    assert high == pytest.approx(30 * max(shown[0] / 400, shown[1] / 300), abs=1.5)


@pytest.mark.parametrize("layout", ["yuv420p", "yuv444p", "yuv420p10le", "gbrp"])
@pytest.mark.parametrize("color", [ColorTags(), ColorTags(range=2, matrix=1), ColorTags(chroma_location=3)])
def test_a_player_shows_the_picture_s_own_colors(tmp_path: Path, layout: str, color: ColorTags) -> None:
    y, x = np.mgrid[:48, :64]
    rgb = np.stack([40 + 2 * x, 60 + 3 * y, 200 - x - y], axis=-1).astype(np.uint8)
    path = write(tmp_path / "wand bild.png", rgb)
    made = nearest_layout(layout)
    planes = background_image_planes(read_background_image(path), made, (64, 48), color, 48, 1.0)
    assert all(plane.dtype == made.dtype for plane in planes)
    back = planes_to_rgb(planes, made, color).astype(int)
    assert np.abs(back - rgb)[2:-2, 2:-2].max() <= 5


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"cannot be read \(No such file or directory\); check the path, or put it back and run again"),
        (b"", "is not a picture; name a JPEG"),
        (b"x" * 99, "is not a picture; name a JPEG"),
    ],
)
def test_a_file_that_is_not_a_picture_is_one_sentence(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=rf"^background\.image: .*a\.png {sentence}"):
        read_background_image(path)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(SettingError, match=r"^background\.image: .*a\.png is not a regular file; name a JPEG"):
        read_background_image(tmp_path / "a.png")


def test_a_picture_that_has_changed_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_background_image(path, digest).shape == (4, 4, 3)
    write(path, np.ones((4, 4, 3), np.uint8))
    with pytest.raises(SettingError, match=r"a\.png has changed since the run began; run the same command again$"):
        read_background_image(path, digest)
