"""A drawn scene wider than the picture, seen by a camera that pans, with somebody who walks through it."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.maths.scene.camera_path import CameraPath
from tasks.maths.scene.key_frames import plan_plates
from tasks.media.files.plates_file import PlateFile, plate_writer
from tasks.media.input.frames import Frame
from tasks.media.planes.crop import small_size
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.media.scene.border import SceneBorder
from tasks.media.scene.frame_store import FrameStore
from tasks.media.scene.plate_builder import build_plate
from tasks.records import ColorTags

SIZE_PX = (320, 180)
RATE_HZ = Fraction(30)
LONGEST_PX = 160  # of the small masks


def texture(width: int, height: int, seed: int = 3) -> NDArray[np.uint8]:
    """Smooth noise of several sizes, with corners to be tracked."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for cell in (64, 24, 10, 5):
        small = random.uniform(-1, 1, (height // cell + 2, width // cell + 2)).astype(np.float32)
        total += cell**0.5 * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    total = (total - total.min()) / (total.max() - total.min())
    return np.asarray(40 + 170 * total).astype(np.uint8)


def bent(picture: NDArray[np.uint8], most_px: float) -> NDArray[np.uint8]:
    """The picture with its rows shifted: not at the top, by ``most_px`` at the bottom."""
    high, wide = picture.shape
    rows, columns = np.mgrid[:high, :wide].astype(np.float32)
    at_x = np.asarray(columns - most_px * rows / high, np.float32)
    return np.asarray(cv2.remap(picture, at_x, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.uint8)


@dataclass(frozen=True)
class Scenery:
    """Frames of ``SIZE_PX`` cut from a wide picture at ``corners_px`` (n, 2), whole pixels."""

    wide: NDArray[np.uint8]
    corners_px: NDArray[np.int64]
    walker_x_px: NDArray[np.float64] | None = None  # (n,) left edge in the picture; None: nobody
    pixel_format: str = "yuv420p"
    brighter: float = 0.0  # levels a frame
    near_px: float = 0.0  # a frame: by how much more the lowest rows move than the upper ones (parallax)

    @property
    def layout(self) -> PixelLayout:
        return nearest_layout(self.pixel_format)

    @property
    def path(self) -> CameraPath:
        moved = affine.translation((self.corners_px - self.corners_px[0]).astype(np.float64))
        count = len(self.corners_px)
        return CameraPath(np.zeros(count, np.int64), moved, np.ones(count))

    @property
    def time_s(self) -> NDArray[np.float64]:
        return np.arange(len(self.corners_px)) / float(RATE_HZ)

    def background(self, index: int, margin_px: int = 0) -> NDArray[np.uint8]:
        """The luma of the picture, or of one that is wider on all sides, without the walker."""
        x, y = self.corners_px[index] - margin_px
        width, height = (length + 2 * margin_px for length in SIZE_PX)
        wide = bent(self.wide, self.near_px * index) if self.near_px else self.wide
        return wide[y : y + height, x : x + width]

    def frame(self, index: int) -> Frame:
        """The picture, with the walker as a dark block."""
        luma = self.background(index).astype(np.float32) + self.brighter * index
        luma = np.rint(luma).clip(0, 255).astype(np.uint8)
        if self.walker_x_px is not None:
            x = int(self.walker_x_px[index])
            luma[60:150, max(x, 0) : max(x + 30, 0)] = 5
        depth = self.layout.depth
        scaled = luma.astype(self.layout.dtype) << (depth - 8) if depth > 8 else luma
        planes = [scaled]
        for plane in range(1, self.layout.planes):
            width, height = self.layout.plane_wh(plane, SIZE_PX)
            planes.append(cv2.resize(scaled, (width, height), interpolation=cv2.INTER_AREA))
        return Frame(index, index, 1, tuple(planes), self.layout, ColorTags())

    def hidden(self, index: int) -> NDArray[np.uint8]:
        """The small mask of the walker, a little grown."""
        width, height = small_size(SIZE_PX, LONGEST_PX)
        mask = np.zeros((height, width), np.uint8)
        if self.walker_x_px is not None:
            x = int(self.walker_x_px[index])
            mask[28:77, max((x - 4) // 2, 0) : max((x + 36) // 2, 0)] = 255
        return mask


def panning(frames: int, step_px: int, **more: object) -> Scenery:
    """A camera that pans to the right."""
    corners = np.stack([60 + step_px * np.arange(frames), np.full(frames, 60)], axis=1)
    wide = texture(SIZE_PX[0] + step_px * frames + 120, SIZE_PX[1] + 120)
    return Scenery(wide, corners, **more)  # type: ignore[arg-type]


def border_of(scenery: Scenery, folder: Path, *, beyond: bool = True) -> SceneBorder:
    """The border of a scene whose plates are made in ``folder``; with ``beyond`` it shows what other frames saw."""
    store = FrameStore(folder, scenery.layout, SIZE_PX)
    path = scenery.path
    plans = plan_plates(path, scenery.time_s, SIZE_PX)
    for frame in sorted({frame for plan in plans for frame in (plan.frame, *plan.sources)}):
        store.put(scenery.frame(frame), scenery.hidden(frame))
    with plate_writer(folder / "plates.zip", scenery.layout) as writer:
        for plan in plans:
            placed = [(frame, path.between(frame, plan.frame)) for frame in plan.sources]
            writer.write(build_plate(plan.frame, [(at, way) for at, way in placed if way is not None], store, 0))
    return SceneBorder(path, PlateFile(folder / "plates.zip", SIZE_PX), scenery.layout, SIZE_PX, 0, beyond=beyond)


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Peak signal to noise ratio, dB."""
    error = float(np.mean((first.astype(np.float64) - second) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
