"""The videos: every frame in, every frame out, moved as planned, with its time and its sound."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from conf.schema import (
    BackgroundConf,
    BorderConf,
    BorderMode,
    ComparisonConf,
    EncodeConf,
    Interpolation,
    MasksConf,
    Nobody,
    RenderConf,
)
from tasks.errors import Interrupted, VideoError
from tasks.media.frames import Picture, frames
from tasks.media.layout import layout_of, nearest
from tasks.media.masks_file import Mask, State, mask_writer
from tasks.media.probe import scan
from tasks.media.tables import write_json, write_table
from tasks.records import Artifact, Clip
from tasks.render import render_comparison, render_person, render_stabilized
from tasks.requests import ComparisonRequest, PersonRequest, StabilizedRequest
from tests.artifacts import artifact
from tests.media.clips import Made, make
from tests.media.test_matte import centroid, disc

LOSSLESS = EncodeConf(crf=0, preset="ultrafast")
FAST = EncodeConf(preset="ultrafast")


@dataclass(frozen=True)
class Job:
    """A clip and the artifacts that render takes of it."""

    source: Path
    clip: Clip
    decoded: Artifact
    trajectory: Artifact


def silent(_: int) -> None:
    """A tick that nobody looks at."""


def job(folder: Path, source: Path, shift_xy: NDArray[np.float64], size_px: tuple[int, int] | None = None) -> Job:
    """``source`` decoded, with a trajectory that begins with ``shift_xy`` and goes on with its last row."""
    clip, _ = scan(source, "0" * 64, silent)
    decoded, planned = folder / "decode", folder / "trajectory"
    decoded.mkdir()
    planned.mkdir()
    write_json(decoded / "clip.json", asdict(clip))
    moves = shift_xy[np.minimum(np.arange(clip.frames), len(shift_xy) - 1)].astype(float)
    middle = (np.array(clip.size_px) - 1) / 2
    columns = {"dx_px": moves[:, 0], "dy_px": moves[:, 1]}
    columns |= {"anchor_x_px": middle[0] - moves[:, 0], "anchor_y_px": middle[1] - moves[:, 1]}
    write_table(planned / "trajectory.parquet", columns)
    write_json(planned / "framing.json", {"output_size_px": size_px or clip.size_px, "target_px": middle})
    return Job(source, clip, artifact("decode", decoded), artifact("trajectory", planned))


def stabilized(
    work: Job, folder: Path, *, border: BorderConf | None = None, encode: EncodeConf = LOSSLESS
) -> tuple[Path, dict[str, object]]:
    request = StabilizedRequest(
        work.source, work.decoded, work.trajectory, border or BorderConf(), RenderConf(Interpolation.cubic), encode
    )
    facts = render_stabilized(request, folder, silent)
    return folder / "stabilized.mp4", facts


def pictures(path: Path) -> Iterator[Picture]:
    return frames(path, scan(path, "0" * 64, silent)[0])


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
    for before, after in zip(frames(source, work.clip), pictures(path), strict=True):
        assert after.layout == before.layout
        for plane, same in zip(before.planes, after.planes, strict=True):
            assert np.abs(plane.astype(int) - same).max() <= loss


def test_pictures_move_as_planned_frame_by_frame(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    moves = np.stack([2.0 * np.arange(12), -2.0 * np.arange(12) % 10], axis=1)
    work = job(tmp_path, source, moves)
    path, _ = stabilized(work, tmp_path)
    for before, after in zip(frames(source, work.clip), pictures(path), strict=True):
        x, y = (int(part) for part in moves[before.index])
        np.testing.assert_array_equal(after.luma[y:, x:], before.luma[: 48 - y, : 64 - x])


def test_a_constant_border_shows_its_colour(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    border = BorderConf(BorderMode.constant, [200, 30, 90])
    path, _ = stabilized(work, tmp_path, border=border)
    for picture in pictures(path):
        assert np.abs(picture.rgb()[:, :18].astype(int) - [200, 30, 90]).max() <= 2


def test_a_crop_has_its_size_and_its_contact_sheet(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[-10.0, -6.0]]), (32, 24))
    path, facts = stabilized(work, tmp_path)
    assert facts == {"frames": 12, "size_px": [32, 24], "notes": []}
    for before, after in zip(frames(source, work.clip), pictures(path), strict=True):
        np.testing.assert_array_equal(after.luma, before.luma[6:30, 10:42])
    sheet = cv2.imread(str(tmp_path / "contact.jpg"))
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
    _, masks = discs(tmp_path / "made", path_xy, [State.measured] * 12)
    source = make(tmp_path / "in.mp4", Made(size_px=(160, 120), tones=("aac",)))
    work = job(tmp_path, source, np.array([[3.0, 1.0]]))
    paths = [stabilized(work, tmp_path, encode=FAST)[0], tmp_path / "comparison.mp4", tmp_path / "person.mp4"]
    shared = (BorderConf(), RenderConf(), FAST, ComparisonConf())
    render_comparison(ComparisonRequest(source, work.decoded, work.trajectory, *shared), tmp_path, silent)
    person(work, masks, tmp_path, BackgroundConf())
    for path in paths:
        assert sounds(path) == sounds(source)
        assert times(path) == times(source)


def test_the_comparison_has_the_original_on_the_left(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[6.0, 4.0]]))
    request = ComparisonRequest(
        source, work.decoded, work.trajectory, BorderConf(), RenderConf(), LOSSLESS, ComparisonConf()
    )
    facts = render_comparison(request, tmp_path, silent)
    assert facts["size_px"] == [128, 48]
    for before, after in zip(frames(source, work.clip), pictures(tmp_path / "comparison.mp4"), strict=True):
        np.testing.assert_array_equal(after.luma[:, :64], before.luma)
        np.testing.assert_array_equal(after.luma[4:, 70:], before.luma[:44, :58])


def test_a_wide_comparison_is_scaled_to_its_limit_and_keeps_its_colours(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made(size_px=(128, 720), ticks=(0, 512)))
    work = job(tmp_path, source, np.zeros((1, 2)))
    request = ComparisonRequest(
        source, work.decoded, work.trajectory, BorderConf(), RenderConf(), LOSSLESS, ComparisonConf(128)
    )
    assert render_comparison(request, tmp_path, silent)["size_px"] == [128, 360]
    before, after = (next(frames(source, work.clip)).rgb(), next(pictures(tmp_path / "comparison.mp4")).rgb())
    assert np.abs(after[::30, 20].astype(int) - before[::60, 40]).max() <= 6


def discs(folder: Path, path_xy: NDArray[np.float64], states: list[State]) -> tuple[Path, Artifact]:
    """A clip of a bright disc that goes along ``path_xy``, and its masks in boxes that go along with it."""
    folder.mkdir()
    source, layout = folder / "in.mp4", nearest("yuv420p")
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
    assert layout_of(scan(source, "0" * 64, silent)[0]) == layout
    held = folder / "masks"
    held.mkdir()
    (folder / "masks.npz").rename(held / "masks.npz")
    return source, artifact("masks", held)


def person(
    work: Job, masks: Artifact, folder: Path, background: BackgroundConf, matte: MasksConf | None = None
) -> list[Picture]:
    request = PersonRequest(
        work.source,
        work.decoded,
        work.trajectory,
        masks,
        matte or MasksConf(),
        background,
        RenderConf(),
        LOSSLESS,
    )
    render_person(request, folder, silent)
    return [
        Picture(p.index, p.pts, p.duration, tuple(plane.copy() for plane in p.planes), p.layout, p.color)
        for p in pictures(folder / "person.mp4")
    ]


def test_a_person_is_cut_out_and_held(tmp_path: Path) -> None:
    path_xy = np.stack([40.0 + 7.3 * np.arange(10), 60.0 + 1.7 * np.arange(10)], axis=1)
    source, masks = discs(tmp_path / "made", path_xy, [State.measured] * 10)
    work = job(tmp_path, source, np.array([79.5, 59.5]) - path_xy)
    shown = person(work, masks, tmp_path, BackgroundConf([0, 0, 0]))
    assert len(shown) == 10
    for picture in shown:
        x, y = centroid(picture.luma.astype(np.float32) - 16)
        assert (x, y) == pytest.approx((79.5, 59.5), abs=0.5)
        assert (picture.luma[:30] == 16).all()
        assert (picture.luma[55:65, 75:85] > 120).all()


@pytest.mark.parametrize("nobody", list(Nobody))
def test_what_shows_without_a_person_is_a_setting(tmp_path: Path, nobody: Nobody) -> None:
    path_xy = np.tile([80.0, 60.0], (3, 1))
    source, masks = discs(tmp_path / "made", path_xy, [State.measured, State.nobody, State.measured])
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    shown = person(work, masks, tmp_path, BackgroundConf([10, 20, 200], nobody))
    plain = shown[0].luma[0, 0]
    assert (shown[1].luma[:, :18] == plain).all()  # beyond the picture
    assert (shown[1].luma[:, 22:] == plain).all() == (nobody is Nobody.color)
    assert np.abs(shown[1].rgb()[0, 0].astype(int) - [10, 20, 200]).max() <= 2


def test_smoothing_calms_a_flickering_mask(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (8, 1)), [State.measured] * 8)
    with mask_writer(masks.path("masks.npz")) as writer:
        for frame in range(8):
            level = 0.45 if frame % 2 else 0.33
            probability = np.full((64, 64), round(255 * level), np.uint8)
            writer.write(Mask(probability, np.array([48, 28, 112, 92], np.float32), State.measured))
    work = job(tmp_path, source, np.zeros((1, 2)))
    swings = []
    for smoothing in (False, True):
        shown = person(work, masks, tmp_path, BackgroundConf([0, 0, 0]), MasksConf(smoothing=smoothing))
        swings.append(np.std([float(picture.luma[60, 80]) for picture in shown]))
    assert swings[1] < 0.5 * swings[0]


def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made(tones=("aac",)))
    work = job(tmp_path, source, np.array([[1.3, 2.6], [4.1, -0.7]]))
    results = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        path, _ = stabilized(work, tmp_path / name, encode=FAST)
        results.append((path.read_bytes(), (tmp_path / name / "contact.jpg").read_bytes()))
    assert results[0] == results[1]


def test_an_interrupt_leaves_no_video(tmp_path: Path) -> None:
    work = job(tmp_path, make(tmp_path / "in.mp4", Made()), np.zeros((1, 2)))

    def stop(done: int) -> None:
        if done == 5:
            raise Interrupted("stopped by the user")

    request = StabilizedRequest(work.source, work.decoded, work.trajectory, BorderConf(), RenderConf(), FAST)
    with pytest.raises(Interrupted):
        render_stabilized(request, tmp_path, stop)
    assert not (tmp_path / "stabilized.mp4").exists()


def test_a_source_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    work = job(tmp_path, make(tmp_path / "in.mp4", Made()), np.zeros((1, 2)))
    make(work.source, Made(ticks=tuple(range(0, 7 * 512, 512))))
    request = StabilizedRequest(work.source, work.decoded, work.trajectory, BorderConf(), RenderConf(), FAST)
    with pytest.raises(VideoError, match="7 frames"):
        render_stabilized(request, tmp_path, silent)
    assert not (tmp_path / "stabilized.mp4").exists()
