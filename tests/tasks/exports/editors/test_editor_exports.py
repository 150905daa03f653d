"""Keyframes for editors: the written numbers, applied as each program does, move the source as the trajectory does."""

import dataclasses
import re
import shutil
import types
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from tasks.exports.editors.aftereffects import write_aftereffects
from tasks.exports.editors.blender import write_blender
from tasks.exports.editors.fcpxml import write_fcpxml
from tasks.exports.editors.nuke import write_nuke
from tasks.exports.editors.resolve import write_resolve
from tasks.exports.requests import ExportRequest
from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.media.files.tables import matrix_columns, read_json, write_json, write_table
from tests.support.artifacts import artifact, clip_artifact
from tests.support.drawn.walkers import drawn, true_pose

SOURCE_PX, OUTPUT_PX = (640, 360), (500, 400)
FRAMES = 60
MOST_PX = 0.1
CORNERS = np.array([[-0.5, -0.5], [639.5, -0.5], [-0.5, 359.5], [639.5, 359.5], [319.5, 179.5]])


@pytest.fixture
def moved(tmp_path: Path) -> tuple[ExportRequest, Floats]:
    """A path that shifts, scales and turns the frames of a window; and where it brings the source's corners."""
    time_s = np.arange(FRAMES) / 30
    linear = affine.scale_and_turn(1 + 0.2 * np.sin(time_s), 0.15 * np.cos(2 * time_s))
    shift = np.stack([-70 + 40 * np.sin(3 * time_s), 20 + 9 * np.cos(time_s)], axis=1)
    matrices = affine.about_target(linear, shift, np.array([250.0, 200.0]))
    (tmp_path / "trajectory").mkdir()
    (tmp_path / "out").mkdir()
    columns = matrix_columns("to_output", matrices)
    write_table(tmp_path / "trajectory" / "trajectory.parquet", columns)
    write_json(tmp_path / "trajectory" / "framing.json", {"output_size_px": OUTPUT_PX})
    clip = clip_artifact(tmp_path / "decode", true_pose(drawn(seconds=FRAMES / 30)), SOURCE_PX)
    request = ExportRequest(export="", clip=clip, trajectory=artifact("trajectory", tmp_path / "trajectory"))
    return request, affine.apply(matrices[:, None], CORNERS[None])


def placed(middle_up: Floats, scale: Floats, turn_deg: Floats, pivot_up: Floats) -> Floats:
    """Output pixels (n, 5, 2) of the corners: turned counter-clockwise about the pivot, then moved; y upwards."""
    height = SOURCE_PX[1]
    corners_up = np.stack([CORNERS[:, 0] + 0.5, height - (CORNERS[:, 1] + 0.5)], axis=1) - pivot_up
    angle = np.deg2rad(turn_deg)[:, None]
    x = scale[:, None] * (np.cos(angle) * corners_up[:, 0] - np.sin(angle) * corners_up[:, 1]) + middle_up[:, :1]
    y = scale[:, None] * (np.sin(angle) * corners_up[:, 0] + np.cos(angle) * corners_up[:, 1]) + middle_up[:, 1:]
    return np.stack([x - 0.5, OUTPUT_PX[1] - y - 0.5], axis=-1)


MIDDLE_UP = np.array(SOURCE_PX) / 2


def keyframe_tables(text: str) -> dict[str, Floats]:
    """The rows of each parameter in After Effects' text: frame, and values."""
    tables = {}
    for block in text.split("Transform\t")[1:]:
        name, _, *rows = block.split("End of")[0].strip("\n").split("\n")
        tables[name] = np.array([[float(cell) for cell in row.split("\t") if cell] for row in rows if row.strip()])
    return tables


def test_after_effects_moves_the_layer_as_the_path_does(moved: tuple[ExportRequest, Floats], tmp_path: Path) -> None:
    request, expected = moved
    write_aftereffects(request, tmp_path / "out", lambda _: None)
    text = (tmp_path / "out" / "aftereffects.txt").read_text()
    assert text.startswith("Adobe After Effects 8.0 Keyframe Data\n")
    assert text.endswith("End of Keyframe Data\n")
    tables = keyframe_tables(text)
    position, scale, turn = (tables[name] for name in ("Position", "Scale", "Rotation"))
    assert tables["Anchor Point"].tolist() == [[0, 320, 180, 0]]
    assert position[:, 0].tolist() == list(range(FRAMES))
    middle_up = np.stack([position[:, 1], OUTPUT_PX[1] - position[:, 2]], axis=1)  # y counts down there
    found = placed(middle_up, scale[:, 1] / 100, -turn[:, 1], MIDDLE_UP)  # and angles clockwise
    assert np.abs(found - expected).max() < MOST_PX


def test_nuke_moves_the_picture_as_the_path_does(moved: tuple[ExportRequest, Floats], tmp_path: Path) -> None:
    request, expected = moved
    write_nuke(request, tmp_path / "out", lambda _: None)
    text = (tmp_path / "out" / "nuke.nk").read_text()
    curves = [np.array(curve.split(), np.float64) for curve in re.findall(r"curve x1 ([^}]*)", text)]
    across, up, turn, scale = curves
    found_centre = re.search(r"center \{([\d.]+) ([\d.]+)\}", text)
    assert found_centre is not None
    centre = np.array([float(found_centre[1]), float(found_centre[2])])
    found = placed(np.stack([across, up], axis=1) + centre, scale, turn, centre)
    assert np.abs(found - expected).max() < MOST_PX
    assert "box_width 500\n box_height 400" in text
    assert text.count("{") == text.count("}")


def test_fusion_moves_the_picture_as_the_path_does(moved: tuple[ExportRequest, Floats], tmp_path: Path) -> None:
    request, expected = moved
    write_resolve(request, tmp_path / "out", lambda _: None)
    text = (tmp_path / "out" / "resolve.setting").read_text()
    splines = {
        name: np.array(re.findall(r"\[\d+\] = \{ (-?[\d.]+)", body), np.float64)
        for name, body in re.findall(r"Stillwalk(\w+) = BezierSpline \{(.*?)\n\t\t\},", text, re.DOTALL)
    }
    assert set(splines) == {"X", "Y", "Angle", "Size"}
    middle_up = np.stack([splines["X"], splines["Y"]], axis=1) * SOURCE_PX
    found = placed(middle_up, splines["Size"], splines["Angle"], MIDDLE_UP)
    assert np.abs(found - expected).max() < MOST_PX
    assert text.count("{") == text.count("}")
    for spline in splines:
        assert f'SourceOp = "Stillwalk{spline}"' in text


def fcpxml(folder: Path) -> ElementTree.Element:
    text = (folder / "stillwalk.fcpxml").read_text()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.10">')
    return ElementTree.fromstring(text)


def keyed(document: ElementTree.Element, name: str) -> tuple[list[Fraction], Floats]:
    """Times and values of an animated parameter."""
    found = document.findall(f".//adjust-transform/param[@name='{name}']/keyframeAnimation/keyframe")
    values = np.array([[float(word) for word in key.attrib["value"].split()] for key in found])
    return [Fraction(key.attrib["time"].removesuffix("s")) for key in found], values


def test_final_cut_moves_the_clip_as_the_path_does(moved: tuple[ExportRequest, Floats], tmp_path: Path) -> None:
    request, expected = moved
    write_fcpxml(request, tmp_path / "out", lambda _: None)
    document = fcpxml(tmp_path / "out")
    times, position = keyed(document, "position")
    assert times == [Fraction(frame * 1001, 30000) for frame in range(FRAMES)]
    scale, turn = keyed(document, "scale")[1], keyed(document, "rotation")[1]
    middle_up = position * OUTPUT_PX[1] / 100 + np.array(OUTPUT_PX) / 2  # per cent of the height, on both axes
    found = placed(middle_up, scale[:, 0], turn[:, 0], MIDDLE_UP)
    assert np.abs(found - expected).max() < MOST_PX


# What each element may hold, in order, by Apple's DTD of version 1.10.
CHILDREN = {
    "fcpxml": ["resources", "library"],
    "resources": ["format", "format", "asset"],
    "asset": ["media-rep"],
    "library": ["event"],
    "event": ["project"],
    "project": ["sequence"],
    "sequence": ["spine"],
    "spine": ["asset-clip"],
    "asset-clip": ["adjust-conform", "adjust-transform"],
    "param": ["keyframeAnimation"],
}
NEEDED = {
    "format": {"id"},
    "asset": {"id"},
    "media-rep": {"src"},
    "sequence": {"format"},
    "asset-clip": {"ref", "duration"},
    "param": {"name"},
    "keyframe": {"time", "value"},
}


def test_final_cuts_project_is_one_that_its_dtd_allows(moved: tuple[ExportRequest, Floats], tmp_path: Path) -> None:
    described = tmp_path / "decode" / "clip.json"
    write_json(described, read_json(described) | {"skipped": 100, "skipped_after": 40, "trimmed": True})
    write_fcpxml(moved[0], tmp_path / "out", lambda _: None)
    document = fcpxml(tmp_path / "out")
    for element in document.iter():
        if element.tag in CHILDREN:
            assert [child.tag for child in element] == CHILDREN[element.tag]
        assert NEEDED.get(element.tag, set()) <= set(element.attrib), element.tag
    names = {element.attrib["id"] for element in document.iter() if "id" in element.attrib}
    used = {element.attrib[name] for element in document.iter() for name in ("ref", "format") if name in element.attrib}
    assert used <= names
    clip = document.find(".//asset-clip")
    assert clip is not None and clip.attrib["start"] == "1001/300s"  # keys count from the start of the file
    assert keyed(document, "position")[0][0] == Fraction(1001, 300)
    asset = document.find(".//asset")
    assert asset is not None and asset.attrib["duration"] == f"{Fraction((100 + FRAMES + 40) * 1001, 30000)}s"


def test_keys_of_a_part_have_the_numbers_of_the_files_frames(
    moved: tuple[ExportRequest, Floats], tmp_path: Path
) -> None:
    described = tmp_path / "decode" / "clip.json"
    write_json(described, read_json(described) | {"skipped": 100, "trimmed": True})
    for write in (write_aftereffects, write_nuke, write_resolve, write_blender):
        write(moved[0], tmp_path / "out", lambda _: None)
    texts = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert "\n\t100\t" in texts["aftereffects.txt"]
    assert "\n\t99\t" not in texts["aftereffects.txt"]
    assert texts["nuke.nk"].count("curve x101 ") == 4
    assert "[100] = " in texts["resolve.setting"]
    assert "[99] = " not in texts["resolve.setting"]
    assert "FIRST = 101 " in texts["blender.py"]


HOSTILE = "a \"walk\" & 'run' <x>\\ \u00e9\u732b\n]] } os.system(1)"


@pytest.mark.parametrize("write", [write_aftereffects, write_nuke, write_resolve, write_blender, write_fcpxml])
def test_the_name_of_a_video_reaches_no_file_that_an_editor_runs(
    write: Callable[..., object], moved: tuple[ExportRequest, Floats], tmp_path: Path
) -> None:
    request, _ = moved
    plain, named = tmp_path / "out", tmp_path / HOSTILE.replace("/", "")
    shutil.copytree(tmp_path / "decode", named / "decode")
    named_clip = artifact("decode", named / "decode")
    write(request, plain, lambda _: None)
    (named / "out").mkdir()
    write(dataclasses.replace(request, clip=named_clip), named / "out", lambda _: None)
    (file,) = plain.iterdir()
    text = file.read_text()
    assert text == (named / "out" / file.name).read_text()
    assert text.isascii() and "system" not in text


class Keyed:
    """Stands for a strip's transform, and notes its keys as Blender does."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[int, float]] = {}

    def keyframe_insert(self, name: str, *, frame: int) -> None:
        self.keys.setdefault(name, {})[frame] = getattr(self, name)


def blender_run(script: str, *, renamed: bool) -> tuple[Keyed, Any]:
    """Run a script with a stand-in of ``bpy``."""
    strip = types.SimpleNamespace(transform=Keyed())
    asked: list[Any] = []

    def new_movie(*given: Any, **more: Any) -> Any:
        asked.append((given, more))
        return strip

    strips = types.SimpleNamespace(new_movie=new_movie)
    editor = types.SimpleNamespace(**{"strips" if renamed else "sequences": strips})
    scene = types.SimpleNamespace(render=types.SimpleNamespace(), sequence_editor=editor)
    bpy = types.SimpleNamespace(
        context=types.SimpleNamespace(scene=scene), path=types.SimpleNamespace(abspath=lambda path: path)
    )
    lines = script.replace("import bpy\n", "")
    exec(compile(lines, "blender.py", "exec"), {"bpy": bpy})
    assert asked[0][1] == {"fit_method": "ORIGINAL"}
    return strip.transform, scene


@pytest.mark.parametrize("renamed", [False, True])
def test_blenders_script_moves_the_strip_as_the_path_does(
    renamed: bool, moved: tuple[ExportRequest, Floats], tmp_path: Path
) -> None:
    request, expected = moved
    write_blender(request, tmp_path / "out", lambda _: None)
    transform, scene = blender_run((tmp_path / "out" / "blender.py").read_text(), renamed=renamed)
    assert (scene.render.resolution_x, scene.render.resolution_y) == OUTPUT_PX
    assert scene.render.fps / scene.render.fps_base == pytest.approx(30000 / 1001)

    def column(name: str) -> Iterator[float]:
        assert list(transform.keys[name]) == list(range(1, FRAMES + 1))
        return iter(transform.keys[name].values())

    offset_x, offset_y, scale, turn_rad = (
        np.array(list(column(name))) for name in ("offset_x", "offset_y", "scale_x", "rotation")
    )
    middle_up = np.stack([offset_x, offset_y], axis=1) + np.array(OUTPUT_PX) / 2
    found = placed(middle_up, scale, np.rad2deg(turn_rad), MIDDLE_UP)
    assert np.abs(found - expected).max() < MOST_PX
