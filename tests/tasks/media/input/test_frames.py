"""The planes of a frame are the decoder's own samples, upright. A clip gives exactly its frames."""

import resource
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import VideoError
from tasks.media.input.frames import read_chosen_frames, read_frames
from tasks.media.input.probe import scan_video
from tasks.media.input.video_reader import DecodeStats, decode_frames, open_video
from tasks.media.planes.layout import Planes, clip_layout, frame_planes, nearest_layout, new_frame, planes_to_rgb
from tasks.records import Clip, ColorTags
from tests.support.clips import Made, make, planes

FFV1 = Made(codec="ffv1", options={})


def read(path: Path) -> Clip:
    return scan_video(path, "digest", lambda done: None)[0]


def decoded(path: Path) -> list[list[NDArray[np.uint8]]]:
    """Planes by PyAV's own conversion to arrays, as stored."""
    with av.open(str(path)) as file:
        return [
            [np.array(np.frombuffer(bytes(plane), np.uint8)).reshape(plane.height, -1) for plane in frame.planes]
            for frame in file.decode(video=0)
        ]


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"])
@pytest.mark.parametrize("ccw", [0, 90, 180, 270])
def test_planes_are_the_decoded_samples_rotated(tmp_path: Path, pixel_format: str, ccw: int) -> None:
    path = make(tmp_path / "a.mp4", Made(size_px=(70, 46), pixel_format=pixel_format, turn_ccw_deg=ccw))
    clip = read(path)
    layout = clip_layout(clip)
    resampled = "422" in pixel_format and ccw % 180 == 90
    assert layout == nearest_layout(pixel_format.replace("422", "444") if resampled else pixel_format)
    for frame, stored in zip(read_frames(path, clip), decoded(path), strict=True):
        for number, plane in enumerate(frame.planes):
            assert plane.dtype == layout.dtype
            assert plane.shape[::-1] == layout.plane_wh(number, clip.size_px)
            if resampled and number:
                continue
            width = layout.plane_wh(number, clip.size_px)[ccw % 180 == 90]
            raw = stored[number].view(layout.dtype)[:, :width]
            np.testing.assert_array_equal(plane, np.rot90(raw, ccw // 90))


def test_a_mirroring_display_matrix_mirrors_after_the_rotation(tmp_path: Path) -> None:
    plain, turned = (make(tmp_path / f"{i}.mp4", Made(turn_ccw_deg=90 * i, mirrored=i > 0)) for i in (0, 1))
    for before, after in zip(read_frames(plain, read(plain)), read_frames(turned, read(turned)), strict=True):
        for old, new in zip(before.planes, after.planes, strict=True):
            np.testing.assert_array_equal(new, np.rot90(old)[:, ::-1])


@pytest.mark.parametrize(
    ("stored", "layout"),
    [
        ("nv12", "yuv420p"),
        ("yuyv422", "yuv422p"),
        ("uyvy422", "yuv422p"),
        ("p010le", "yuv420p10le"),
        ("yuva420p", "yuv420p"),
        ("yuvj444p", "yuv444p"),
        ("yuv440p", "yuv444p"),
        ("yuv411p", "yuv422p"),
        ("yuv410p", "yuv420p"),
        ("yuv420p12le", "yuv420p10le"),
        ("yuv422p16le", "yuv422p10le"),
        ("rgb24", "gbrp"),
        ("bgra", "gbrp"),
        ("pal8", "gbrp"),
        ("gbrp12le", "gbrp10le"),
        ("gray", "gray"),
        ("gray16le", "gray10le"),
        ("ya8", "gray"),
        ("monow", "gray"),
    ],
)
def test_every_format_has_a_planar_layout(stored: str, layout: str) -> None:
    found = nearest_layout(stored)
    assert found.name == layout
    assert found == nearest_layout(layout)


@pytest.mark.parametrize("span", [1, 2])
@pytest.mark.parametrize(("stored", "layout"), [("uyvy422", "yuv422p"), ("yuva420p", "yuv420p"), ("bgr0", "gbrp")])
def test_repacking_changes_no_sample(tmp_path: Path, stored: str, layout: str, span: int) -> None:
    codec = "rawvideo" if stored == "uyvy422" else "ffv1"
    made = Made(codec=codec, options={}, pixel_format=stored, color=ColorTags(range=span))
    suffix = "mov" if codec == "rawvideo" else "mkv"
    path = make(tmp_path / f"a.{suffix}", made)
    frames = list(read_frames(path, read(path)))
    assert len(frames) == len(made.ticks)
    for index, frame in enumerate(frames):
        assert frame.layout.name == layout
        truth = planes(index, made.size_px, stored)
        for plane, expected in zip(frame.planes, truth, strict=True):
            np.testing.assert_array_equal(plane, expected)


def test_times_and_durations_are_those_of_the_frame_table(tmp_path: Path) -> None:
    made = Made(
        ticks=[700, 710, 730, 735, 790],
        last_ticks=60,
        time_base=Fraction(1, 600),
        container={"video_track_timescale": "600"},
        options={"bf": "0"},
    )
    path = make(tmp_path / "a.mkv", made)
    clip, table = scan_video(path, "digest", lambda done: None)
    pictures = list(read_frames(path, clip))
    assert [frame.index for frame in pictures] == list(range(5))
    assert [frame.pts for frame in pictures] == table.pts.tolist()
    assert [frame.duration for frame in pictures] == table.duration.tolist()


def test_planes_are_read_only(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made())
    frame = next(read_frames(path, read(path)))
    with pytest.raises(ValueError, match="read-only"):
        frame.planes[0][:] = 0


def test_a_file_with_fewer_frames_than_its_clip_is_an_error(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made())
    clip = replace(read(path), frames=13)
    with pytest.raises(VideoError, match="it has 12 frames, not 13; it changed"):
        list(read_frames(path, clip))


def test_a_file_of_another_size_than_its_clip_is_an_error(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made())
    with pytest.raises(VideoError, match="it changed since"):
        list(read_frames(path, replace(read(path), width_px=66)))


def test_a_damaged_file_gives_as_many_frames_as_the_scan_counted(videos: Path) -> None:
    path = videos / "corrupted_midway.mp4"
    clip = read(path)
    assert sum(1 for _ in read_frames(path, clip)) == clip.frames == 28


def test_closing_the_generator_early_closes_the_file(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made())
    stream = read_frames(path, read(path))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert list(stream) == []


# BT.601 and BT.709, Kr and Kb (ITU-R BT.601-7 2.5, BT.709-6 3.2)
MATRICES = {5: (0.299, 0.114), 1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("span", [1, 2])
@pytest.mark.parametrize("name", ["yuv420p", "yuv444p", "yuv420p10le", "yuv422p10le"])
def test_rgb_conversion_uses_the_range_and_matrix_tags(name: str, span: int, matrix: int) -> None:
    layout = nearest_layout(name)
    full, peak = span == 2, (1 << layout.depth) - 1
    red, green, blue = 0.8, 0.4, 0.3
    kr, kb = MATRICES[matrix]
    y = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - y) / (2 - 2 * kb), (red - y) / (2 - 2 * kr)
    unit = peak if full else 219 << (layout.depth - 8)
    swing = peak if full else 224 << (layout.depth - 8)
    middle = 1 << (layout.depth - 1)
    values = [y * unit + (0 if full else 16 << (layout.depth - 8)), cb * swing + middle, cr * swing + middle]
    flat: Planes = tuple(
        np.full(layout.plane_wh(number, (32, 16))[::-1], round(value), layout.dtype)
        for number, value in enumerate(values)
    )
    rgb = planes_to_rgb(flat, layout, ColorTags(range=span, matrix=matrix))
    assert rgb.shape == (16, 32, 3)
    assert rgb.flags.c_contiguous
    np.testing.assert_allclose(rgb.reshape(-1, 3).mean(axis=0), [255 * red, 255 * green, 255 * blue], atol=2.5)


@pytest.mark.parametrize("size", [(64, 48), (65, 47), (70, 720)])
def test_rgb_of_any_width_is_contiguous_and_upright(tmp_path: Path, size: tuple[int, int]) -> None:
    path = make(tmp_path / "a.mkv", replace(FFV1, size_px=size, pixel_format="bgr0", ticks=[0, 512]))
    frames = list(read_frames(path, read(path)))
    assert len(frames) == 2
    for index, frame in enumerate(frames):
        green, blue, red = planes(index, size, "bgr0")
        np.testing.assert_array_equal(frame.rgb(), np.dstack([red, green, blue]))
        assert frame.rgb().flags.c_contiguous


def test_luma_of_rgb_is_an_error(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", replace(FFV1, pixel_format="gray"))
    frame = next(read_frames(path, read(path)))
    np.testing.assert_array_equal(frame.luma, planes(0, (64, 48), "gray")[0])
    path = make(tmp_path / "b.mkv", replace(FFV1, pixel_format="bgr0"))
    with pytest.raises(ValueError, match="has no luma"):
        _ = next(read_frames(path, read(path))).luma


def test_planes_survive_the_round_trip_through_an_av_frame() -> None:
    layout = nearest_layout("yuv420p10le")
    before = planes(3, (65, 47), layout.name)
    for old, new in zip(before, frame_planes(new_frame(before, layout), layout), strict=True):
        np.testing.assert_array_equal(old, new)


def resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("there is no /proc to read the memory of this process from")
    return int(statm.read_text().split()[1]) * resource.getpagesize()


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    made = Made(size_px=(640, 480), options={"preset": "ultrafast", "threads": "1"})
    path = make(tmp_path / "a.mp4", replace(made, ticks=range(0, 100 * 512, 512)))
    resident = []
    for index, frame in enumerate(read_frames(path, read(path))):
        frame.rgb()
        if index % 10 == 9:
            resident.append(resident_bytes())
    all_frames = 90 * 640 * 480 * 1.5  # 41 MB for frames 10 to 100, if they were kept
    assert resident[-1] - resident[0] < all_frames / 3


@pytest.mark.parametrize("codec", ["libx264", "ffv1"])
@pytest.mark.parametrize("skipped", [0, 5])
def test_chosen_frames_are_those_of_a_whole_pass(tmp_path: Path, codec: str, skipped: int) -> None:
    options = {"bf": "3", "g": "30"} if codec == "libx264" else {}
    path = make(tmp_path / "a.mkv", Made(codec=codec, options=options, ticks=range(0, 40 * 512, 512)))
    clip, table = scan_video(path, "digest", lambda done: None)
    clip, pts = replace(clip, frames=clip.frames - skipped, skipped=skipped), table.pts[skipped:]
    whole = [(frame, [plane.copy() for plane in frame.planes]) for frame in read_frames(path, clip)]
    for chosen in ([0, 1, 2, 3, clip.frames - 1], list(range(0, clip.frames, 7)), list(range(clip.frames))):
        found = [
            (frame, [plane.copy() for plane in frame.planes]) for frame in read_chosen_frames(path, clip, pts, chosen)
        ]
        assert [frame.index for frame, _ in found] == chosen
        for frame, its in found:
            same, stored = whole[frame.index]
            assert (frame.pts, frame.duration) == (same.pts, same.duration)
            assert all(np.array_equal(one, other) for one, other in zip(its, stored, strict=True))


def test_a_chosen_frame_that_does_not_come_is_looked_for_among_all(tmp_path: Path, monkeypatch: Any) -> None:
    path = make(tmp_path / "a.mp4", Made())
    clip, table = scan_video(path, "digest", lambda done: None)
    lost = table.pts.copy()
    lost[4] += 1
    monkeypatch.setattr("tasks.media.input.frames._skips_safely", lambda *_: True)
    assert [frame.index for frame in read_chosen_frames(path, clip, lost, [2, 4, 8])] == [2, 4, 8]


def test_frames_that_no_other_refers_to_are_left_out_unless_they_are_wanted(tmp_path: Path, monkeypatch: Any) -> None:
    path = make(
        tmp_path / "a.mp4",
        Made(options={"x264-params": "bframes=3:b-adapt=0:b-pyramid=none"}, ticks=range(0, 40 * 512, 512)),
    )
    counts = []
    for wanted in ([], [512 * 17], None):
        with open_video(path) as (container, stream):
            counts.append(sum(1 for _ in decode_frames(container, stream, DecodeStats(), wanted=wanted)))
    assert counts == [11, 12, 40]
    clip, table = scan_video(path, "digest", lambda done: None)
    monkeypatch.setattr("tasks.media.input.frames.read_frames", lambda *_: pytest.fail("every frame was decoded"))
    assert [frame.index for frame in read_chosen_frames(path, clip, table.pts, [17, 39])] == [17, 39]
