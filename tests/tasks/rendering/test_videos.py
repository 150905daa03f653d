"""The videos: every frame in, every frame out, moved as planned, with its time and its sound."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from conf.enums import (
    BackgroundMode,
    BorderMode,
    ComparisonLayout,
    Despill,
    Interpolation,
    NobodyFrame,
    Output,
    VideoCodec,
)
from conf.input import MasksConf
from conf.render import BackgroundConf, BorderConf, ComparisonConf, EncodeConf, RenderConf
from tasks.errors import Interrupted, VideoError
from tasks.execution.computation import Computation, here
from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.files.tables import write_json, write_table
from tasks.media.input import frame_cache
from tasks.media.input.frames import Frame, read_frames
from tasks.media.input.probe import scan_video
from tasks.media.output import render_frame
from tasks.media.planes.layout import clip_layout, nearest_layout
from tasks.records import Artifact, Clip, Tick
from tasks.requests import RenderRequest
from tests.support.artifacts import artifact
from tests.support.clips import Made, make
from tests.support.pictures import read_picture
from tests.tasks.media.matting.test_matte import centroid, disc

LOSSLESS = EncodeConf(codec=VideoCodec.x264, crf=0, preset="ultrafast")
FAST = EncodeConf(preset="ultrafast")


@dataclass(frozen=True)
class Job:
    """A clip and the artifacts that render takes of it."""

    source: Path
    clip: Clip
    decoded: Artifact[Any]
    trajectory: Artifact[Any]


def silent(_: int) -> None:
    """A tick that nobody looks at."""


def job(
    folder: Path,
    source: Path,
    shift_xy: NDArray[np.float64],
    size_px: tuple[int, int] | None = None,
    turn_rad: float = 0.0,
) -> Job:
    """``source`` decoded, with a trajectory that begins with ``shift_xy`` and goes on with its last row.

    Each picture is turned by ``turn_rad`` about its middle after that.
    """
    clip, table = scan_video(source, "0" * 64, silent)
    decoded, planned = folder / "decode", folder / "trajectory"
    decoded.mkdir()
    planned.mkdir()
    write_json(decoded / "clip.json", asdict(clip))
    moves = shift_xy[np.minimum(np.arange(clip.frames), len(shift_xy) - 1)].astype(float)
    middle = (np.array(clip.size_px) - 1) / 2
    columns = {"time_s": table.columns(clip)["time_s"], "shot": np.zeros(clip.frames, np.int64)}
    columns |= {"state": np.array(["measured"] * clip.frames)}
    columns |= {"dx_px": moves[:, 0], "dy_px": moves[:, 1]}
    columns |= {"anchor_x_px": middle[0] - moves[:, 0], "anchor_y_px": middle[1] - moves[:, 1]}
    matrices = affine.about_target(
        np.broadcast_to(affine.scale_and_turn(1.0, turn_rad), (clip.frames, 2, 2)), moves, middle
    )
    columns |= {f"to_output_{row}{column}": matrices[:, row, column] for row in range(2) for column in range(3)}
    write_table(planned / "trajectory.parquet", columns)
    write_json(planned / "framing.json", {"output_size_px": size_px or clip.size_px, "targets_px": [middle]})
    return Job(source, clip, artifact("decode", decoded), artifact("trajectory", planned))


def request(work: Job, output: str, **more: Any) -> RenderRequest:
    plain: dict[str, Any] = {"border": BorderConf(), "render": RenderConf(Interpolation.cubic), "encode": LOSSLESS}
    fields = plain | more
    return RenderRequest(output=output, source=work.source, clip=work.decoded, trajectory=work.trajectory, **fields)


def rendered(folder: Path, *requests: RenderRequest, tick: Tick = silent) -> list[dict[str, Any] | Exception]:
    """The outcome of each, all made in one pass into ``folder``."""
    outcomes: dict[int, dict[str, Any] | Exception] = {}
    here(Computation(requests, [folder] * len(requests)), tick, outcomes.__setitem__)
    return [outcomes[place] for place in range(len(requests))]


def render(asked: RenderRequest, folder: Path, tick: Tick = silent) -> dict[str, Any]:
    """The facts of one output; raises what it failed with."""
    (outcome,) = rendered(folder, asked, tick=tick)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def stabilized(
    work: Job, folder: Path, *, border: BorderConf | None = None, encode: EncodeConf = LOSSLESS
) -> tuple[Path, dict[str, object]]:
    asked = request(work, "stabilized.mp4", border=border or BorderConf(), encode=encode)
    return folder / "stabilized.mp4", render(asked, folder)


def pictures(path: Path) -> Iterator[Frame]:
    return read_frames(path, scan_video(path, "0" * 64, silent)[0])


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        return [(frame.pts or 0) * stream.time_base for frame in container.decode(stream)]


def sounds(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.time_base is not None
        return [
            ((packet.pts or 0) * stream.time_base, bytes(packet)) for packet in container.demux(stream) if packet.size
        ]


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"])
def test_a_path_of_no_motion_gives_the_decoded_pixels(tmp_path: Path, pixel_format: str) -> None:
    options = {"crf": "10", "preset": "veryfast", "threads": "1"}
    source = make(tmp_path / "in.mp4", Made(pixel_format=pixel_format, options=options))
    work = job(tmp_path, source, np.zeros((1, 2)))
    path, _ = stabilized(work, tmp_path)
    loss = 4 if "10" in pixel_format else 0  # x264 has no lossless crf for 10 bits
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        assert after.layout == before.layout
        for plane, same in zip(before.planes, after.planes, strict=True):
            assert np.abs(plane.astype(int) - same).max() <= loss


def test_pictures_move_as_planned_frame_by_frame(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    moves = np.stack([2.0 * np.arange(12), -2.0 * np.arange(12) % 10], axis=1)
    work = job(tmp_path, source, moves)
    path, _ = stabilized(work, tmp_path)
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        x, y = (int(part) for part in moves[before.index])
        np.testing.assert_array_equal(after.luma[y:, x:], before.luma[: 48 - y, : 64 - x])


def test_the_whole_transform_is_honoured(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.zeros((1, 2)), turn_rad=np.pi)
    path, _ = stabilized(work, tmp_path)
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        for plane, turned in zip(before.planes[:1], after.planes[:1], strict=True):
            assert np.abs(plane[::-1, ::-1].astype(int) - turned).max() <= 2


def test_a_constant_border_shows_its_colour(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    border = BorderConf(BorderMode.constant, [200, 30, 90])
    path, _ = stabilized(work, tmp_path, border=border)
    for picture in pictures(path):
        assert np.abs(picture.rgb()[:, :18].astype(int) - [200, 30, 90]).max() <= 2


def test_at_a_hard_edge_nothing_rings(tmp_path: Path) -> None:
    """Half a pixel beside the border a kernel that reached into it would leave a line brighter than either side."""
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[20.5, 10.5]]))
    path, _ = stabilized(work, tmp_path, border=BorderConf(BorderMode.constant, [0, 0, 0]))
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        assert (after.luma[:, :19] == 16).all()
        inside = after.luma[12:, 22:].astype(int)
        for edge in (after.luma[12:, 20:22].astype(int), after.luma[10:12, 22:].astype(int)):
            assert edge.max() <= max(inside.max(), before.luma.max()) + 2
        shown, near = after.luma[12:, 21].astype(int), after.luma[12:, 22].astype(int)
        assert (shown - near).max() <= 4  # a line of overshoot would be brighter than its neighbour


@pytest.mark.parametrize("mode", list(BorderMode))
def test_each_border_fills_what_the_source_does_not_cover(tmp_path: Path, mode: BorderMode) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    path, _ = stabilized(work, tmp_path, border=BorderConf(mode, [0, 0, 0]))
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        np.testing.assert_array_equal(after.luma[:, 20:], before.luma[:, :44])
        outside = after.luma[:, :18].astype(int)
        match mode:
            case BorderMode.scene | BorderMode.reflect | BorderMode.mirror:  # without plates all are plain mirrors
                np.testing.assert_array_equal(outside, before.luma[:, 20:2:-1])
            case BorderMode.replicate:
                assert (outside == before.luma[:, :1]).all()
            case BorderMode.constant:
                assert (outside == 16).all()
            case BorderMode.blur:
                assert (outside < before.luma[:, :1] - 20).all()
                assert (outside > 16).all()


def test_a_crop_has_its_size_and_its_contact_sheet(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[-10.0, -6.0]]), (32, 24))
    path, facts = stabilized(work, tmp_path)
    assert {name: facts[name] for name in ("frames", "size_px", "notes")} == {
        "frames": 12,
        "size_px": [32, 24],
        "notes": [],
    }
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        np.testing.assert_array_equal(after.luma, before.luma[6:30, 10:42])
    sheet = read_picture(tmp_path / "contact.jpg")
    assert sheet.shape[1] > 1000
    assert (tmp_path / "contact.jpg").stat().st_size <= 200_000


@pytest.mark.parametrize("name", ["phone_rotated_printed_figure.mov", "thermal_vfr_no_person.mp4"])
def test_a_real_clip_keeps_its_frames_times_and_sound(videos: Path, tmp_path: Path, name: str) -> None:
    work = job(tmp_path, videos / name, np.array([[-3.3, 1.7], [-5.25, 4.0]]), (200, 160))
    path, facts = stabilized(work, tmp_path, encode=FAST)
    assert facts["frames"] == work.clip.frames
    assert times(path) == times(videos / name)
    assert sounds(path) == sounds(videos / name)


def test_every_video_has_the_sound(tmp_path: Path) -> None:
    path_xy = np.tile([80.0, 60.0], (12, 1))
    _, masks = discs(tmp_path / "made", path_xy, [MaskState.measured] * 12)
    source = make(tmp_path / "in.mp4", Made(size_px=(160, 120), tones=("aac",)))
    work = job(tmp_path, source, np.array([[3.0, 1.0]]))
    paths = [stabilized(work, tmp_path, encode=FAST)[0], tmp_path / "comparison.mp4", tmp_path / "person.mp4"]
    render(request(work, "comparison.mp4", encode=FAST), tmp_path)
    person(work, masks, tmp_path, BackgroundConf())
    for path in paths:
        assert sounds(path) == sounds(source)
        assert times(path) == times(source)


def test_the_comparison_has_the_original_on_the_left(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[6.0, 4.0]]))
    facts = render(request(work, "comparison.mp4", comparison=ComparisonConf()), tmp_path)
    assert facts["size_px"] == [128, 48]
    assert facts["panes"] == [[0, 0, 64, 48], [64, 0, 64, 48]]
    assert (tmp_path / "kymograph_after_y.jpg").exists()
    for before, after in zip(read_frames(source, work.clip), pictures(tmp_path / "comparison.mp4"), strict=True):
        np.testing.assert_array_equal(after.luma[:, :64], before.luma)
        np.testing.assert_array_equal(after.luma[4:, 70:], before.luma[:44, :58])


def test_a_wide_comparison_is_scaled_to_its_limit_and_keeps_its_colours(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made(size_px=(128, 720), ticks=(0, 512)))
    work = job(tmp_path, source, np.zeros((1, 2)))
    asked = request(work, "comparison.mp4", comparison=ComparisonConf(max_width=128))
    assert render(asked, tmp_path)["size_px"] == [128, 360]
    before, after = (next(read_frames(source, work.clip)).rgb(), next(pictures(tmp_path / "comparison.mp4")).rgb())
    assert np.abs(after[::30, 20].astype(int) - before[::60, 40]).max() <= 6


def test_a_comparison_may_stand_upright_and_say_what_it_shows(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made(size_px=(160, 120)))
    work = job(tmp_path, source, np.zeros((1, 2)))
    layout = ComparisonConf(ComparisonLayout.vertical, labels=True)
    assert render(request(work, "comparison.mp4", comparison=layout), tmp_path)["size_px"] == [160, 240]
    for before, after in zip(read_frames(source, work.clip), pictures(tmp_path / "comparison.mp4"), strict=True):
        for half in (after.luma[:120], after.luma[120:]):
            np.testing.assert_array_equal(half[60:], before.luma[60:])
            assert (half[:30, :60] != before.luma[:30, :60]).any()
        np.testing.assert_array_equal(after.planes[1][:60], before.planes[1])


def discs(folder: Path, path_xy: NDArray[np.float64], states: list[MaskState]) -> tuple[Path, Artifact[Any]]:
    """A clip of a bright disc that goes along ``path_xy``, and its masks in boxes that go along with it."""
    folder.mkdir()
    source, layout = folder / "in.mp4", nearest_layout("yuv420p")
    with av.open(str(source), "w") as container, mask_writer(folder / "masks.npz") as writer:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for (x, y), state in zip(path_xy, states, strict=True):
            luma = 40 + disc((160, 120), (x, y), 24) // 2
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, np.full((60, 160), 128, np.uint8)]), "yuv420p")
            container.mux(stream.encode(frame))
            edges = np.array([x - 32, y - 32, x + 32, y + 32], np.float32)
            writer.write(Mask(disc((64, 64), (31.5, 31.5), 24), edges, state))
        container.mux(stream.encode(None))
    assert clip_layout(scan_video(source, "0" * 64, silent)[0]) == layout
    held = folder / "masks"
    held.mkdir()
    (folder / "masks.npz").rename(held / "masks.npz")
    return source, artifact("masks", held)


def streak(picture: Path) -> NDArray[np.float64]:
    """Where, as a share of the line, the bright stretch of a kymograph has its middle, at a few moments."""
    gray = cv2.cvtColor(read_picture(picture), cv2.COLOR_BGR2GRAY)[:, 30::60]
    place = np.arange(len(gray)) + 0.5
    bright = np.clip(gray.astype(float) - 90, 0, None)
    return np.asarray((bright * place[:, None]).sum(axis=0) / bright.sum(axis=0) / len(gray))


def test_a_disc_that_is_held_still_is_a_straight_streak_in_the_kymographs(tmp_path: Path) -> None:
    path_xy = np.stack([np.linspace(40, 120, 24), 60 + 8 * np.sin(np.arange(24) / 3)], axis=1)
    source, _ = discs(tmp_path / "made", path_xy, [MaskState.measured] * 24)
    work = job(tmp_path, source, np.array([79.5, 59.5]) - path_xy)
    stabilized(work, tmp_path, border=BorderConf(BorderMode.constant))
    streaks = {
        name: streak(tmp_path / f"kymograph_{name}.jpg") for name in ("before_x", "before_y", "after_x", "after_y")
    }
    assert np.ptp(streaks["after_x"]) < 0.01
    assert np.ptp(streaks["after_y"]) < 0.01
    assert streaks["after_x"].mean() == pytest.approx(0.5, abs=0.01)
    assert streaks["before_x"][0] == pytest.approx(41 / 160, abs=0.02)
    assert streaks["before_x"][-1] == pytest.approx(120 / 160, abs=0.02)
    assert np.ptp(streaks["before_y"]) == pytest.approx(16 / 120, abs=0.03)


def person(
    work: Job, masks: Artifact[Any], folder: Path, background: BackgroundConf, matte: MasksConf | None = None
) -> list[Frame]:
    image = Path(background.image) if background.image else None
    dressed = {"background": background, "image": image, "matte": matte or MasksConf(), "masks": masks}
    render(request(work, "person.mp4", **dressed), folder)
    return [
        Frame(p.index, p.pts, p.duration, tuple(plane.copy() for plane in p.planes), p.layout, p.color)
        for p in pictures(folder / "person.mp4")
    ]


def test_a_person_is_cut_out_and_held(tmp_path: Path) -> None:
    path_xy = np.stack([40.0 + 7.3 * np.arange(10), 60.0 + 1.7 * np.arange(10)], axis=1)
    source, masks = discs(tmp_path / "made", path_xy, [MaskState.measured] * 10)
    work = job(tmp_path, source, np.array([79.5, 59.5]) - path_xy)
    shown = person(work, masks, tmp_path, BackgroundConf(color=[0, 0, 0]))
    assert len(shown) == 10
    for picture in shown:
        x, y = centroid(picture.luma.astype(np.float32) - 16)
        assert (x, y) == pytest.approx((79.5, 59.5), abs=0.5)
        assert (picture.luma[:30] == 16).all()
        assert (picture.luma[55:65, 75:85] > 120).all()


def test_a_person_without_the_colour_of_the_screen_stays_as_they_are(tmp_path: Path) -> None:
    path_xy = np.stack([40.0 + 7.3 * np.arange(4), 60.0 + 1.7 * np.arange(4)], axis=1)
    source, masks = discs(tmp_path / "made", path_xy, [MaskState.measured] * 3 + [MaskState.nobody])
    work = job(tmp_path, source, np.array([79.5, 59.5]) - path_xy)
    plain = person(work, masks, tmp_path, BackgroundConf(color=[0, 0, 0]))
    despilled = person(work, masks, tmp_path, BackgroundConf(color=[0, 0, 0], despill=Despill.green))
    for before, after in zip(plain, despilled, strict=True):
        difference = np.abs(before.luma.astype(int) - after.luma)
        assert difference[50:70, 70:90].max() <= 1 and difference.mean() < 0.3


def test_a_person_stands_before_a_picture_or_the_blurred_scene(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (3, 1)), [MaskState.measured] * 3)
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    cv2.imwrite(str(tmp_path / "red.png"), np.full((30, 30, 3), (20, 30, 220), np.uint8))
    sharp = person(work, masks, tmp_path, BackgroundConf(BackgroundMode.image, image=str(tmp_path / "red.png")))
    blurred = person(work, masks, tmp_path, BackgroundConf(BackgroundMode.blur, blur_px=6.0))
    for before, red, soft in zip(read_frames(source, work.clip), sharp, blurred, strict=True):
        for shown in (red, soft):
            np.testing.assert_array_equal(shown.luma[50:70, 90:110], before.luma[50:70, 70:90])
        assert np.abs(red.rgb()[:20].astype(int) - [220, 30, 20]).max() <= 3
        assert np.abs(soft.luma[:20].astype(int) - 40).max() <= 2


def test_a_background_is_for_any_video(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (3, 1)), [MaskState.measured] * 3)
    work = job(tmp_path, source, np.zeros((1, 2)))
    background = BackgroundConf(color=[0, 0, 0], on=[Output.stabilized, Output.comparison])
    dressed = {"background": background, "matte": MasksConf(), "masks": masks}
    rendered(tmp_path, request(work, "stabilized.mp4", **dressed), request(work, "comparison.mp4", **dressed))
    for one, both in zip(pictures(tmp_path / "stabilized.mp4"), pictures(tmp_path / "comparison.mp4"), strict=True):
        assert (one.luma[:20] == 16).all()
        assert one.luma[60, 80] > 150
        np.testing.assert_array_equal(both.luma[:, 160:], one.luma)
        assert (both.luma[:20, :160] > 30).all()


@pytest.mark.parametrize("file", ["person.webm", "person.mov", "person_png.zip"])
def test_a_person_before_nothing(tmp_path: Path, file: str) -> None:
    states = [MaskState.measured, MaskState.nobody, MaskState.measured]
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (3, 1)), states)
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    background = BackgroundConf(BackgroundMode.transparent, nobody=NobodyFrame.color)
    facts = render(request(work, file, background=background, matte=MasksConf(), masks=masks), tmp_path)
    assert facts["frames"] == 3
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("person")] == [file]


@pytest.mark.parametrize("nobody", list(NobodyFrame))
def test_what_shows_without_a_person_is_a_setting(tmp_path: Path, nobody: NobodyFrame) -> None:
    path_xy = np.tile([80.0, 60.0], (3, 1))
    source, masks = discs(tmp_path / "made", path_xy, [MaskState.measured, MaskState.nobody, MaskState.measured])
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    shown = person(work, masks, tmp_path, BackgroundConf(color=[10, 20, 200], nobody=nobody))
    if nobody is NobodyFrame.color:
        assert (shown[1].luma == shown[0].luma[0, 0]).all()
        assert np.abs(shown[1].rgb()[0, 0].astype(int) - [10, 20, 200]).max() <= 2
    else:  # whole, and where the stabilized video has it
        stabilized(work, tmp_path, border=BorderConf(BorderMode.mirror))
        whole = list(pictures(tmp_path / "stabilized.mp4"))[1]
        for plane, its in zip(shown[1].planes, whole.planes, strict=True):
            np.testing.assert_array_equal(plane, its)


def test_a_picture_without_a_person_comes_and_goes_without_a_jump(tmp_path: Path) -> None:
    states = [MaskState.measured] * 12
    states[7] = MaskState.nobody
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (12, 1)), states)
    work = job(tmp_path, source, np.zeros((1, 2)))
    shown = person(work, masks, tmp_path, BackgroundConf(color=[255, 255, 255]))
    corner = np.array([float(picture.luma[:20, :20].mean()) for picture in shown])
    assert corner[0] > 230
    assert corner[7] < 45
    assert np.abs(np.diff(corner)).max() < 50


def test_smoothing_calms_a_flickering_mask(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (8, 1)), [MaskState.measured] * 8)
    with mask_writer(masks.path("masks.npz")) as writer:
        for frame in range(8):
            level = 0.45 if frame % 2 else 0.33
            probability = np.full((64, 64), round(255 * level), np.uint8)
            writer.write(Mask(probability, np.array([48, 28, 112, 92], np.float32), MaskState.measured))
    work = job(tmp_path, source, np.zeros((1, 2)))
    swings = []
    for smoothing in (False, True):
        shown = person(work, masks, tmp_path, BackgroundConf(color=[0, 0, 0]), MasksConf(smoothing=smoothing))
        swings.append(np.std([float(picture.luma[60, 80]) for picture in shown]))
    assert swings[1] < 0.5 * swings[0]


def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made(tones=("aac",)))
    work = job(tmp_path, source, np.array([[1.3, 2.6], [4.1, -0.7]]))
    results = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        stabilized(work, tmp_path / name, encode=FAST)
        results.append({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()})
    assert results[0] == results[1]
    assert len(results[0]) == 6  # the video, the contact sheet and four kymographs


def test_an_interrupt_leaves_no_video(tmp_path: Path) -> None:
    work = job(tmp_path, make(tmp_path / "in.mp4", Made()), np.zeros((1, 2)))

    def stop(done: int) -> None:
        if done == 5:
            raise Interrupted("stopped by the user")

    with pytest.raises(Interrupted):
        render(request(work, "stabilized.mp4"), tmp_path, stop)
    assert not (tmp_path / "stabilized.mp4").exists()


def test_a_source_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    work = job(tmp_path, make(tmp_path / "in.mp4", Made()), np.zeros((1, 2)))
    make(work.source, Made(ticks=tuple(range(0, 7 * 512, 512))))
    with pytest.raises(VideoError, match="7 frames"):
        render(request(work, "stabilized.mp4"), tmp_path)
    assert not (tmp_path / "stabilized.mp4").exists()


def test_what_is_rendered_in_one_pass_has_the_bytes_that_it_has_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (12, 1)), [MaskState.measured] * 12)
    work = job(tmp_path, source, np.array([[1.3, 2.6], [4.1, -0.7]]))
    dressed = {"background": BackgroundConf(), "matte": MasksConf(), "masks": masks}
    asked = [request(work, "stabilized.mp4"), request(work, "comparison.mp4"), request(work, "person.mp4", **dressed)]
    done: list[str] = []

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            done.append(name)
            return function(*given, **named)

        return called

    monkeypatch.setattr(render_frame, "cached_frames", counted("pass", frame_cache.cached_frames))
    monkeypatch.setattr(render_frame, "moved", counted("moved", render_frame.moved))
    (tmp_path / "together").mkdir()
    rendered(tmp_path / "together", *asked)
    assert (done.count("pass"), done.count("moved")) == (
        1,
        12,
    )  # two of them show one moved picture
    for one in asked:
        (tmp_path / one.output).mkdir()
        render(one, tmp_path / one.output)
        alone = (tmp_path / one.output / one.output).read_bytes()
        assert alone == (tmp_path / "together" / one.output).read_bytes()


def test_of_several_outputs_one_fails_alone(tmp_path: Path) -> None:
    work = job(tmp_path, make(tmp_path / "in.mp4", Made()), np.zeros((1, 2)))
    asked = [request(work, "person.mp4", background=BackgroundConf()), request(work, "stabilized.mp4")]
    no_masks, facts = rendered(tmp_path, *asked)
    assert str(no_masks) == "person.mp4: has no masks; this is a fault of the program"
    assert isinstance(facts, dict) and facts["frames"] == 12 and facts["notes"] == []
    assert not (tmp_path / "person.mp4").exists()
