"""Pixels that are not square: what is not part of the video is laid into it, and shown beside it, in its own shape."""

from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from conf.enums import BackgroundMode
from conf.render import BackgroundConf
from tasks.media.files.masks_file import MaskState
from tasks.media.files.tables import write_json
from tests.support.clips import Made, make
from tests.support.pictures import read_picture
from tests.tasks.rendering.render_jobs import discs, job, person, stabilized


def test_a_circle_of_a_background_picture_is_seen_round(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([20.0, 20.0], (3, 1)), [MaskState.measured] * 3)
    work = job(tmp_path, source, np.zeros((1, 2)))
    write_json(work.decoded.path("clip.json"), asdict(replace(work.clip, pixel_aspect="2")))
    y, x = np.mgrid[:120, :320]
    wall = np.where(np.hypot(x - 159.5, y - 59.5) < 40, 255, 0).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "wall.png"), np.repeat(wall[..., None], 3, axis=-1))
    shown = person(work, masks, tmp_path, BackgroundConf(BackgroundMode.image, image=str(tmp_path / "wall.png")))
    rows, columns = np.nonzero(shown[0].luma[:, 50:] > 128)
    assert np.ptp(columns) + 1 == pytest.approx(40, abs=1)
    assert np.ptp(rows) + 1 == pytest.approx(80, abs=1)


def test_the_contact_sheet_shows_the_shape_that_a_player_shows(tmp_path: Path) -> None:
    heights = []
    for aspect in (1, 2):
        folder = tmp_path / str(aspect)
        folder.mkdir()
        source = make(folder / "in.mp4", Made(pixel_aspect=Fraction(aspect)))
        stabilized(job(folder, source, np.zeros((1, 2))), folder)
        heights.append(read_picture(folder / "contact.jpg").shape[0])
    assert heights == [2 * 180 + 4, 2 * 90 + 4]
