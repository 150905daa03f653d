"""Small pictures of people, taken while the pose model looks at the clip.

Which track belongs to whom is decided later, so every track has the best picture of every few seconds.
"""

from pathlib import Path
from typing import Final

import cv2

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import shown_share
from tasks.maths.tracking.squares import square_about
from tasks.media.files.portraits_file import write_portraits
from tasks.media.input.rgb_frames import RgbFrame

PORTRAIT_PX: Final = 144  # side of a picture
PORTRAIT_BODIES: Final = 1.25  # side of the square that it shows, in the longer side of the body
PORTRAIT_INTERVAL_S: Final = 3.0  # of which one picture is kept
BETTER_FACTOR: Final = 1.05  # by which a picture must be better to replace the one before
JPEG_QUALITY: Final = 82  # of 100


class PortraitRecorder:
    """Takes every sighting, and writes ``portraits.zip`` in the end; keeps about 5 KB for each 3 s of a track."""

    def __init__(self) -> None:
        self._best: dict[tuple[int, int], tuple[float, int, bytes]] = {}  # by track and interval

    def add(self, frame: RgbFrame, track: int, landmarks: Floats) -> None:
        """The sighting of ``track`` in a frame: landmarks (33, 5) in square pixels."""
        interval = track, int(frame.time_s // PORTRAIT_INTERVAL_S)
        share = shown_share(landmarks, frame.size_px)
        known = self._best.get(interval)
        if known is None or share > BETTER_FACTOR * known[0]:
            self._best[interval] = share, frame.index, _portrait(frame, landmarks)

    def write(self, path: Path) -> None:
        """Write what was taken; ``OutputError`` when the file cannot be written."""
        write_portraits(path, {(track, frame): coded for (track, _), (_, frame, coded) in self._best.items()})


def _portrait(frame: RgbFrame, landmarks: Floats) -> bytes:
    """JPEG of a square with the body in its middle."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    square = square_about((low + high) / 2, PORTRAIT_BODIES * float((high - low).max()))
    bgr = cv2.cvtColor(frame.part(square, PORTRAIT_PX), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
