"""The report's charts from artifacts written by hand: what is drawn, what is left out, and equal bytes."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.body.landmarks import LANDMARK_COUNT, PoseTrack
from tasks.maths.path import affine
from tasks.media.files.tables import matrix_columns, write_json, write_table
from tasks.media.report.charts import CSS_COLORS
from tasks.records import Artifact
from tasks.rendering.charts import draw_charts, read_paths
from tasks.requests import ChartsRequest
from tests.support.artifacts import artifact, clip_artifact

SIZE_PX = (640, 360)
RATE_HZ = 30


def request(
    folder: Path,
    frames: int,
    states: NDArray[np.str_],
    *,
    judged: bool = False,
    cut_frame: int = 10_000,
    switches_s: Sequence[float] = (),
    zoom: float = 1.0,
) -> ChartsRequest:
    """A walk through the picture, locked with a residual of a pixel of the output."""
    folder.mkdir(exist_ok=True)
    time_s = 2 + np.arange(frames) / RATE_HZ
    nothing = np.full((frames, LANDMARK_COUNT, 2), np.nan)
    track = PoseTrack(time_s, nothing, nothing[..., 0], nothing[..., 0], nothing[..., 0])
    anchor = np.stack([np.linspace(100, 500, frames), np.full(frames, 200.0)], axis=1)
    target = np.array([319.5, 179.5])
    residual = np.stack([np.sin(time_s), np.cos(7 * time_s)], axis=1)
    matrices = affine.translation(target - zoom * anchor + residual)
    matrices[:, [0, 1], [0, 1]] = zoom
    for name in ("subject", "trajectory", "offsets", "verify"):
        (folder / name).mkdir()
    write_json(folder / "subject" / "subject.json", {"switches_s": list(switches_s)})
    columns = {
        "time_s": time_s,
        "shot": (np.arange(frames) >= cut_frame).astype(np.int64),
        "anchor_x_px": anchor[:, 0],
        "anchor_y_px": anchor[:, 1],
        "state": states,
    }
    columns |= matrix_columns("to_output", matrices)
    write_table(folder / "trajectory" / "trajectory.parquet", columns)
    write_json(
        folder / "trajectory" / "framing.json",
        {"output_size_px": SIZE_PX, "targets_px": [target] * 2, "source_targets_px": [target] * 2, "zoom": zoom},
    )
    sources = np.where(np.arange(frames) < frames // 2, "hips", "shoulders")
    write_table(folder / "offsets" / "offsets.parquet", {"source": sources})
    seen = {"residual_x_px": residual[:, 0], "residual_y_px": residual[:, 1]}
    write_table(folder / "verify" / "verified.parquet", {"time_s": time_s, **seen})
    verified: Artifact[Any] | None = artifact("verify", folder / "verify") if judged else None
    clip = clip_artifact(folder / "decode", track, SIZE_PX)
    stages = {name: artifact(name, folder / name) for name in ("offsets", "trajectory")}
    return ChartsRequest(clip=clip, subject=artifact("subject", folder / "subject"), verified=verified, **stages)


def with_angles(work: ChartsRequest, folder: Path) -> ChartsRequest:
    """The same with the course of two angles."""
    folder.mkdir()
    course = {"mean_deg": np.linspace(0, 30, 101), "deviation_deg": np.full(101, 2.0), "strides": 4}
    write_json(folder / "angles.json", {"cycles": {"left_hip": course, "trunk_lean": course}})
    return replace(work, angles=artifact("export", folder))


def test_a_zoom_enlarges_the_path_of_the_source_as_that_of_the_output(tmp_path: Path) -> None:
    plain, zoomed = (
        read_paths(request(tmp_path / f"{zoom}", 60, np.full(60, "measured"), zoom=zoom)) for zoom in (1.0, 3.0)
    )
    assert np.allclose(zoomed.before, 3 * plain.before) and np.ptp(plain.before[:, 0]) == 400
    assert np.allclose(zoomed.after, plain.after)


def test_angles_over_the_stride_are_drawn_where_they_are_exported(tmp_path: Path) -> None:
    work = request(tmp_path, 60, np.full(60, "measured"))
    plain, drawn = draw(work, tmp_path / "plain"), draw(with_angles(work, tmp_path / "angles"), tmp_path / "drawn")
    assert set(drawn) - set(plain) == {"angle_hip.svg", "angle_trunk.svg"}
    assert "var(--x)" in drawn["angle_hip.svg"]
    assert "% of the stride" in drawn["angle_hip.svg"]


def draw(work: ChartsRequest, folder: Path) -> dict[str, str]:
    folder.mkdir()
    draw_charts(work, folder, lambda _: None)
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_scene_cuts_and_switches_of_the_person_are_marked(tmp_path: Path) -> None:
    states = np.full(90, "measured")
    plain = draw(request(tmp_path / "plain", 90, states), tmp_path / "plain out")
    marked = draw(request(tmp_path / "cut", 90, states, cut_frame=30, switches_s=[1.5]), tmp_path / "cut out")
    spans = json.loads(marked["spans.json"])
    assert spans["cuts_s"] == [pytest.approx(3.0)] and spans["switches_s"] == [pytest.approx(3.5)]
    assert json.loads(plain["spans.json"])["cuts_s"] == []
    for name in ("path_x.svg", "path_y.svg", "residual.svg"):
        assert marked[name].count("stroke-dasharray: ") == plain[name].count("stroke-dasharray: ") + 2, name


def test_a_verified_walk_has_all_charts_and_its_gaps_are_shaded(tmp_path: Path) -> None:
    states = np.array(["measured"] * 60 + ["interpolated"] * 15 + ["measured"] * 60 + ["absent"] * 45)
    drawn = draw(request(tmp_path, 180, states, judged=True), tmp_path / "out")
    assert set(drawn) == {
        *(f"{name}.svg" for name in ("path_x", "path_y", "residual", "verified", "spectrum")),
        "spans.json",
    }
    spans = json.loads(drawn["spans.json"])
    assert [span["label"] for span in spans["spans"]] == ["interpolated", "absent"]
    assert spans["spans"][0]["start_s"] == pytest.approx(4)
    assert spans["spans"][0]["end_s"] == pytest.approx(4.5)
    assert spans["sources"] == ["hips", "shoulders"]
    assert "var(--interpolated)" in drawn["path_x.svg"]
    assert "var(--shoulders)" in drawn["path_x.svg"]


def test_a_chart_has_only_colours_and_fonts_of_the_page_and_names_of_its_own(tmp_path: Path) -> None:
    drawn = draw(request(tmp_path, 90, np.array(["measured"] * 90)), tmp_path / "out")
    assert "verified.svg" not in drawn
    for name, text in drawn.items():
        if not name.endswith(".svg"):
            continue
        assert not re.search(r"#[0-9a-fA-F]{6}\b|font-family|<script|<style|<\?xml|<!--", text)
        assert not set(re.findall(r"var\(--([\w-]+)\)", text)) - set(CSS_COLORS)
        assert all(found.startswith(name.removesuffix(".svg")) for found in re.findall(r'id="([^"]+)"', text))
        used = re.findall(r'(?:url\(|href=")#([^")]+)', text)
        assert all(f'id="{found}"' in text for found in used)
        assert set(re.findall(r"https?://[^\"]+", text)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }


def test_the_same_path_gives_the_same_bytes(tmp_path: Path) -> None:
    work = request(tmp_path, 90, np.array(["measured"] * 90), judged=True)
    assert draw(work, tmp_path / "one") == draw(work, tmp_path / "two")


@pytest.mark.parametrize("frames", [1, 2])
def test_a_clip_of_a_frame_or_two_has_charts_but_no_spectrum(tmp_path: Path, frames: int) -> None:
    drawn = draw(request(tmp_path, frames, np.array(["measured"] * frames), judged=True), tmp_path / "out")
    assert "spectrum.svg" not in drawn
    assert {"path_x.svg", "path_y.svg", "residual.svg", "verified.svg"} <= set(drawn)


def test_an_hour_gives_a_small_picture_that_keeps_its_jump(tmp_path: Path) -> None:
    frames = 3600 * RATE_HZ
    states = np.array(["measured", "held"])[(np.arange(frames) % 200 == 7).astype(int)]
    drawn = draw(request(tmp_path, frames, states), tmp_path / "out")
    assert max(len(text) for text in drawn.values()) < 250_000
    spans = json.loads(drawn["spans.json"])
    assert len(spans["spans"]) == 40
    assert spans["more"] == 500
