"""Portraits: the body lies in the middle of its picture, and the most complete sighting of each interval is kept."""

from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.files.portraits_file import read_portraits
from tasks.media.input.rgb_frames import RgbFrame
from tasks.media.tracking.portraits import PORTRAIT_PX, PortraitRecorder
from tests.support.drawn.bodies import figure
from tests.support.drawn.empty_scenes import StillView


class View(StillView):
    """A picture with a place in a clip."""

    def __init__(self, rgb: NDArray[np.uint8], index: int) -> None:
        super().__init__(rgb)
        self.index, self.time_s = index, index / 10


def view(hip_xy: tuple[int, int], index: int) -> RgbFrame:
    rgb = np.zeros((360, 640, 3), np.uint8)
    cv2.circle(rgb, hip_xy, 25, (255, 40, 40), -1)
    return cast(RgbFrame, View(rgb, index))


def test_the_picture_shows_the_body_and_one_is_kept_for_each_interval(tmp_path: Path) -> None:
    recorder = PortraitRecorder()
    for index, hip_xy in enumerate([(-20, 200), (300, 180), (320, 180), *[(500, 200)] * 28]):
        recorder.add(view(hip_xy, index), 4, figure(hip_xy, torso_px=60))
    recorder.write(tmp_path / "portraits.zip")
    portraits = read_portraits(tmp_path / "portraits.zip")
    assert sorted(portraits) == [(4, 1), (4, 30)], "cut by the edge at first, and no better after"
    bgr = cv2.imdecode(np.frombuffer(portraits[4, 1], np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None and bgr.shape == (PORTRAIT_PX, PORTRAIT_PX, 3)
    red = (bgr[..., 2] > 150) & (bgr[..., 0] < 110)
    assert 0.4 < np.flatnonzero(red.any(axis=0)).mean() / PORTRAIT_PX < 0.6
    assert all(len(coded) < 10_000 for coded in portraits.values())
