"""The light of a screen goes from a cut-out's edge, and nothing else does."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.input.frames import Frame
from tasks.media.matting.cutout import Cutout, draw_cutout, transparent_planes
from tasks.media.matting.despill import despilled, edge_band
from tasks.media.planes.chroma import sample_at_chroma, sample_spacing
from tasks.media.planes.compose import solid_planes
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.media.planes.plane_color import plane_values, rgb_to_planes
from tasks.media.planes.region import Region
from tasks.records import ColorTags
from tests.tasks.media.matting.test_matte import disc

SIZE = (160, 160)
COLOR = ColorTags(range=1, matrix=1, chroma_location=1)
SHIRT = np.array([150.0, 142.0, 138.0])
SCREENS = {"green": np.array([10.0, 190.0, 60.0]), "blue": np.array([20.0, 60.0, 200.0])}
LAYOUTS = ["yuv420p", "yuv444p", "yuv420p10le", "gbrp"]


def lit_person(screen: str, layout: PixelLayout, own: NDArray[np.float64] = SHIRT) -> Cutout:
    """A disc of the colour ``own`` before a screen that shines on its soft edge."""
    discs = np.stack([disc(SIZE, (80, 80), 50 + step) for step in (-1, 0, 1)])
    alpha: NDArray[np.float32] = np.asarray(discs.mean(axis=0) / 255, np.float32)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    depth_px = 50 - np.hypot(x - 80, y - 80)
    shone_on = 0.4 * np.clip(1 - depth_px / 5, 0, 1)[..., None]
    person = own + shone_on * (SCREENS[screen] - own)
    rgb = alpha[..., None] * person + (1 - alpha[..., None]) * SCREENS[screen]
    level = np.rint(255 * alpha).astype(np.uint8)
    levels = tuple(sample_at_chroma(level, sample_spacing(layout, index), 1) for index in range(layout.planes))
    return Cutout(Region(0, 0, *SIZE), rgb_to_planes(rgb.astype(np.float32), layout, COLOR, SIZE[1]), levels)


def on_grey(cutout: Cutout, layout: PixelLayout) -> NDArray[np.int64]:
    """RGB before a grey background, by FFmpeg's conversion."""
    canvas = solid_planes(layout, SIZE, plane_values([120, 120, 120], layout, COLOR, SIZE[1]))
    draw_cutout(cutout, canvas, layout)
    return Frame(0, 0, 1, canvas, layout, COLOR).rgb().astype(np.int64)


def excess(rgb: NDArray[Any], screen: str) -> NDArray[Any]:
    """How much more of the screen's colour there is than of the others."""
    place = {"green": 1, "blue": 2}[screen]
    return np.asarray(rgb[..., place] - np.delete(rgb, place, axis=-1).max(axis=-1))


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_no_light_of_the_screen_is_left_at_the_edge(name: str, screen: str) -> None:
    layout = nearest_layout(name)
    person = lit_person(screen, layout)
    before = on_grey(person, layout)
    after = on_grey(despilled(person, screen, layout, COLOR, SIZE[1]), layout)
    left = 12 if layout.chroma_shift[0] else 4  # subsampled chroma mixes the edge with what is beside it
    assert excess(before, screen).max() > 2 * left
    assert excess(after, screen).max() < left
    # Nothing turns into the opposite colour: the edge stays a shirt.
    ring = (edge_band(person.opacity[0]) > 0.9) & (person.opacity[0] > 0.99)
    assert np.abs(after[ring].mean(axis=0) - SHIRT).max() < 30


def test_green_clothes_stay_green_but_for_the_edge() -> None:
    layout, green = nearest_layout("yuv444p"), np.array([40.0, 150.0, 50.0])
    person = lit_person("green", layout, green)
    after = on_grey(despilled(person, "green", layout, COLOR, SIZE[1]), layout)
    inside = edge_band(person.opacity[0]) < 0.004
    assert inside.sum() > 3000
    assert np.abs(after[inside] - green).max() <= 3


def test_a_picture_without_that_colour_does_not_change_inside() -> None:
    layout = nearest_layout("yuv420p")
    person = lit_person("green", layout)
    solid = [plane.copy() for plane in despilled(person, "blue", layout, COLOR, SIZE[1]).planes]
    opaque = person.opacity[0] > 0.999
    assert (solid[0][opaque] == person.planes[0][opaque]).all()


def test_colours_for_a_later_composition_are_the_persons_own() -> None:
    layout = nearest_layout("yuv444p")
    person = despilled(lit_person("green", layout), "green", layout, COLOR, SIZE[1])
    planes, alpha = transparent_planes(person, layout, SIZE, plane_values([0, 0, 0], layout, COLOR, SIZE[1]))
    rgb = Frame(0, 0, 1, planes, layout, COLOR).rgb().astype(np.int64)
    assert excess(rgb[alpha > 0.1], "green").max() < 7
