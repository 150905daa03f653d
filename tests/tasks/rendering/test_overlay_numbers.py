"""Numbers in the overlay: lines that fit the picture, a bar of a round length, and what they are read from."""

import csv
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conf.enums import OverlayNumber
from conf.render import EncodeConf, OverlayConf
from tasks.media.input.frames import Frame
from tasks.media.planes.drawing import make_label
from tasks.records import Artifact
from tasks.rendering.overlay_numbers import SMALLEST_CAPITAL_PX, bar_length, broken, degrees_text, read_numbers
from tests.support.artifacts import artifact, pose_artifact
from tests.support.clips import Made, make
from tests.support.drawn.paths import pose_track
from tests.tasks.rendering.render_jobs import job, pictures, render, request
from tests.tasks.rendering.test_overlay_and_preview import FRAMES, HALF, HIPS, TARGET, offsets

LINE = "left: hip -12, knee 14, ankle -22 deg"


@pytest.mark.parametrize("width_px", [64, 200, 640, 4000])
def test_a_line_is_broken_where_the_picture_ends(width_px: int) -> None:
    parts = list(broken(LINE, SMALLEST_CAPITAL_PX, width_px))
    assert " ".join(parts) == LINE
    for part in parts:
        assert " " not in part or make_label(part, SMALLEST_CAPITAL_PX).ink.shape[1] <= width_px


@pytest.mark.parametrize(("longest", "length"), [(1.0, 1), (0.99, 0.5), (4.9, 2), (230, 200), (0.031, 0.02)])
def test_a_bar_has_a_round_length(longest: float, length: float) -> None:
    assert bar_length(longest) == pytest.approx(length)


def exported(folder: Path, px_per_m: float | None) -> dict[str, Artifact[Any]]:
    """The files of the exports events and angles, of a walk with one heel strike."""
    for name in ("events", "angles"):
        (folder / name).mkdir(parents=True)
    columns = [f"{side}_{joint}_deg" for side in ("left", "right") for joint in ("hip", "knee", "ankle")]
    with (folder / "angles" / "angles.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["frame", "time_s", *columns, "trunk_lean_deg"])
        writer.writerows([[frame, frame / 30, *range(6), ""] for frame in range(FRAMES)])
    (folder / "events" / "events.csv").write_text("time_s,frame,side,event\n0.2,6,left,heel strike\n")
    speed = {"mean": 1.234, "deviation": 0.1, "count": 4, "uncertainty": 0.05}
    found = {"figures": {"speed_m_per_s": speed}, "px_per_m": px_per_m, "why_not": ""}
    (folder / "events" / "events.json").write_text(json.dumps(found))
    return {name: artifact("export", folder / name) for name in ("events", "angles")}


def shown(
    folder: Path,
    size_px: tuple[int, int],
    numbers: list[OverlayNumber],
    px_per_m: float | None,
    pixel_aspect: Fraction = Fraction(1),
) -> list[Frame]:
    folder.mkdir()
    made = Made(size_px=size_px, ticks=tuple(range(0, FRAMES * 512, 512)), pixel_aspect=pixel_aspect)
    work = job(folder, make(folder / "in.mp4", made), TARGET - HIPS)
    pose = pose_artifact(folder / "pose", pose_track(np.arange(FRAMES) / 30, HIPS - HALF, HIPS + HALF))
    more: dict[str, Any] = {"numbers": OverlayConf(numbers), **exported(folder / "x", px_per_m)} if numbers else {}
    encode = EncodeConf(crf=4, preset="ultrafast")
    asked = request(
        work, "overlay.mp4", encode=encode, subject=pose, offsets=offsets(folder / "o", ["measured"] * FRAMES), **more
    )
    assert (read_numbers(asked) is None) == (not numbers)
    render(asked, folder)
    return list(pictures(folder / "overlay.mp4"))


def test_an_event_is_written_from_its_frame_on(tmp_path: Path) -> None:
    frames = shown(tmp_path / "a", (320, 240), [OverlayNumber.events], None)
    plain = shown(tmp_path / "b", (320, 240), [], None)
    line = slice(26, 40), slice(10, 90)  # the second one; the first one is the cadence
    pairs = zip(frames, plain, strict=True)
    lit = [np.sum(one.luma[line] > other.luma[line].astype(int) + 30) for one, other in pairs]
    assert max(lit[:6]) == 0 and min(lit[6:]) > 20


@pytest.mark.parametrize(("px_per_m", "pixel_aspect"), [(90.0, Fraction(1)), (120.0, Fraction(4, 3))])
def test_the_bar_is_as_long_as_it_says(tmp_path: Path, px_per_m: float, pixel_aspect: Fraction) -> None:
    """A metre is measured in rows. Of wider pixels fewer lie in it."""
    frames = shown(tmp_path / "a", (320, 240), [OverlayNumber.scale], px_per_m, pixel_aspect)
    plain = shown(tmp_path / "b", (320, 240), [], None, pixel_aspect)
    row = round(240 - 1.5 * SMALLEST_CAPITAL_PX)
    for one, other in list(zip(frames, plain, strict=True))[::5]:
        drawn = np.flatnonzero(np.abs(one.luma[row].astype(int) - other.luma[row]) > 40)
        drawn = drawn[drawn > 160]
        assert 90 <= np.ptp(drawn) <= 96  # one metre, and the width of the line with its shadow


def test_small_and_narrow_pictures_can_be_written_on(tmp_path: Path) -> None:
    for number, size_px in enumerate([(64, 64), (64, 320), (320, 64)]):
        frames = shown(tmp_path / str(number), size_px, list(OverlayNumber), 40.0)
        assert len(frames) == FRAMES and frames[0].luma.std() > 0


@pytest.mark.parametrize(("text", "shown"), [("-0.3", "0"), ("-12.6", "-13"), ("14.2", "14"), ("", "-")])
def test_angles_are_shown_in_whole_degrees(text: str, shown: str) -> None:
    assert degrees_text(text) == shown
