"""The exported move, applied to the source by another interpolation, gives the pictures of ``stabilized.mp4``."""

from pathlib import Path

import av
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from conf.enums import BorderMode
from conf.render import BorderConf
from tasks.exports.editors.aftereffects import write_aftereffects
from tasks.exports.requests import ExportRequest
from tasks.maths.arrays import Floats
from tasks.media.input.frames import read_frames
from tests.support.drawn.scenery import texture
from tests.tasks.exports.editors.test_editor_exports import keyframe_tables
from tests.tasks.rendering.render_jobs import job, pictures, stabilized

FRAMES, SIZE_PX = 6, (320, 240)
MOST_PX = 0.1
EDGE_PX = 14  # the picture's own edge, where another interpolation sees the border


def textured(path: Path) -> Path:
    """A clip whose pictures have corners everywhere: where there are none, rounding looks like a shift."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "4", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE_PX, "yuv420p"
        for seed in range(FRAMES):
            grey = texture(*SIZE_PX, seed=seed)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "gray")))
        container.mux(stream.encode())
    return path


def applied(luma: Floats, middle_px: Floats, scale: float, turn_deg: float) -> tuple[Floats, Floats]:
    """The output that an editor makes, and which of its pixels lie well inside the source."""
    height, width = luma.shape
    y, x = np.mgrid[0:height, 0:width]
    angle, from_middle = np.deg2rad(turn_deg), np.stack([x + 0.5, y + 0.5]) - middle_px[:, None, None]
    across = (np.cos(angle) * from_middle[0] + np.sin(angle) * from_middle[1]) / scale + width / 2 - 0.5
    down = (np.cos(angle) * from_middle[1] - np.sin(angle) * from_middle[0]) / scale + height / 2 - 0.5
    inside = (across > EDGE_PX) & (across < width - EDGE_PX) & (down > EDGE_PX) & (down < height - EDGE_PX)
    return map_coordinates(luma, [down, across], order=3, mode="mirror"), inside


def displacement_px(first: Floats, second: Floats, inside: Floats) -> float:
    """How far the pictures are apart at the middle or a corner, by least squares on their gradients."""
    one, other = gaussian_filter(first, 1.0), gaussian_filter(second, 1.0)
    down, across = np.gradient(one)
    v, u = (np.indices(one.shape) / np.array(one.shape)[:, None, None] - 0.5)[:, inside]
    gradients = [slope[inside] * factor for slope in (across, down) for factor in (np.ones_like(u), u, v)]
    found = np.linalg.lstsq(np.stack(gradients, axis=1), (other - one)[inside], rcond=None)[0].reshape(2, 3)
    places = np.array([[1, a, b] for a, b in ((0, 0), (-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5))])
    return float(np.hypot(*(found @ places.T)).max())


@pytest.mark.parametrize("turn_rad", [0.0, 0.05])
def test_the_pictures_lie_within_a_tenth_of_a_pixel(turn_rad: float, tmp_path: Path) -> None:
    source = textured(tmp_path / "in.mp4")
    shift = np.stack([np.linspace(-20.3, 17.9, FRAMES), np.linspace(4.4, -6.1, FRAMES)], axis=1)
    work = job(tmp_path, source, shift, turn_rad=turn_rad)
    path, _ = stabilized(work, tmp_path, border=BorderConf(BorderMode.constant))
    (tmp_path / "out").mkdir()
    request = ExportRequest(export="aftereffects", clip=work.decoded, trajectory=work.trajectory)
    write_aftereffects(request, tmp_path / "out", lambda _: None)
    keys = keyframe_tables((tmp_path / "out" / "aftereffects.txt").read_text())
    for number, (before, after) in enumerate(zip(read_frames(source, work.clip), pictures(path), strict=True)):
        middle, scale, turn = (keys[name][number, 1:] for name in ("Position", "Scale", "Rotation"))
        expected, inside = applied(before.luma.astype(float), middle[:2], scale[0] / 100, turn[0])
        assert displacement_px(expected, after.luma.astype(float), inside) < MOST_PX
        half_off, _ = applied(before.luma.astype(float), middle[:2] + np.array([0.5, 0]), scale[0] / 100, turn[0])
        assert displacement_px(half_off, after.luma.astype(float), inside) > 0.3  # it would be seen
