"""A written MP4 keeps every frame with its time and tags, and every sample if the encoding is lossless."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import OutputError
from tasks.media.input.frames import Frame, read_frames
from tasks.media.input.probe import FrameTable
from tasks.media.output.written_check import check_written_video
from tasks.media.planes.layout import clip_layout, nearest_layout, new_planes, shared_frame
from tasks.records import Clip, ColorTags
from tests.support.clips import Made, make, planes
from tests.support.rewrite_clip import read, rewrite, sound_packets, video_writer_for

TICKS_600 = {"video_track_timescale": "600"}
TICKS_90000 = {"video_track_timescale": "90000"}
FFV1 = Made(codec="ffv1", options={})


def usual_place(color: ColorTags) -> ColorTags:
    """``color`` as H.264 means it: an unspecified chroma location is left, an unspecified range is limited."""
    return replace(color, chroma_location=color.chroma_location or 1, range=color.range or 1)


def assert_same_times(before: tuple[Clip, FrameTable], after: tuple[Clip, FrameTable]) -> None:
    ticks = before[0].time_base / after[0].time_base
    assert [pts * ticks for pts in before[1].pts.tolist()] == after[1].pts.tolist()
    assert [ticks * one for one in before[1].duration.tolist()] == after[1].duration.tolist()


MADE = {
    "plain.mp4": Made(),
    "ntsc.mov": Made(
        ticks=range(0, 12012, 1001), last_ticks=1001, time_base=Fraction(1, 30000), rate=Fraction(30000, 1001)
    ),
    "millis.mkv": Made(
        ticks=range(0, 12012, 1001), last_ticks=1001, time_base=Fraction(1, 30000), rate=Fraction(30000, 1001)
    ),
    "uneven.mp4": Made(
        ticks=[0, 10, 30, 35, 90, 100, 300, 310, 320, 400],
        last_ticks=60,
        time_base=Fraction(1, 600),
        container=TICKS_600,
        options={"bf": "0"},
    ),
    # Has B-frames, but its last frame is also the last one in decoding order.
    "last_last.mp4": Made(
        ticks=[0, 3000, 6100, 9000, 12100, 15000, 18000, 21100, 24000, 27100, 30000],
        last_ticks=3000,
        time_base=Fraction(1, 90000),
        container=TICKS_90000,
    ),
    "long_last.mkv": Made(ticks=[0, 10, 30, 35, 90], last_ticks=600, time_base=Fraction(1, 600)),
    "late.mp4": Made(ticks=range(7001, 7001 + 12 * 512, 512), tones=["aac"], container={"movie_timescale": "15360"}),
    "early.mkv": Made(ticks=range(0, 12 * 512, 512), tones=["aac"], tone_start_s=Fraction(1, 10)),
    "stream.ts": Made(tones=["aac"]),
    "turned.mp4": Made(turn_ccw_deg=90, pixel_aspect=Fraction(4, 3)),
    "upside.mp4": Made(turn_ccw_deg=180),
    "left.mp4": Made(turn_ccw_deg=270, tones=["aac"]),
    "ten.mp4": Made(pixel_format="yuv420p10le", color=ColorTags(1, 9, 16, 9, 3)),
    "c422.mp4": Made(pixel_format="yuv422p", color=ColorTags(1, 1, 1, 1, 1)),
    "c444.mp4": Made(pixel_format="yuv444p10le", color=ColorTags(1, 1, 1, 1, 1)),
    "full.mp4": Made(color=ColorTags(2, 1, 1, 1, 1)),
    "wide.mp4": Made(pixel_aspect=Fraction(64, 45), color=ColorTags(1, 5, 6, 5, 2)),
    "one.mp4": Made(ticks=[0]),
}


def without_player_note(notes: list[str]) -> list[str]:
    """``notes`` but for the one that says which players refuse the video."""
    return [note for note in notes if not note.startswith("the video is H.264 4:")]


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("preset", ["ultrafast", "veryfast"])  # without and with B-frames
def test_a_rewritten_clip_keeps_times_and_tags(tmp_path: Path, name: str, preset: str) -> None:
    source, target = make(tmp_path / name, MADE[name]), tmp_path / "out.mp4"
    clip, table, notes = rewrite(source, target, preset=preset)
    again = read(target)
    assert_same_times((clip, table), again)
    assert again[0].size_px == clip.size_px
    assert again[0].rotation_deg == 0
    assert again[0].pixel_aspect == clip.pixel_aspect
    assert usual_place(again[0].color) == usual_place(clip.color)
    assert nearest_layout(again[0].pixel_format) == clip_layout(clip)
    assert len(again[0].sound) == len(clip.sound)
    assert without_player_note(notes) == []
    assert len(notes) == (name in {"ten.mp4", "c422.mp4", "c444.mp4"})  # H.264 that many players refuse
    check_written_video(target, clip.frames)


@pytest.mark.parametrize(
    "name",
    [
        "moonwalk.mp4",
        "two_people_vp9_audio.mp4",
        "phone_rotated_printed_figure.mov",
        "thermal_vfr_no_person.mp4",
        "corrupted_midway.mp4",
    ],
)
def test_a_rewritten_real_clip_keeps_times_tags_and_sound(videos: Path, tmp_path: Path, name: str) -> None:
    clip, table, notes = rewrite(videos / name, tmp_path / "out.mp4", crf=40, preset="ultrafast")
    again = read(tmp_path / "out.mp4")
    assert_same_times((clip, table), again)
    assert again[0].time_base == clip.time_base
    assert again[0].rate == clip.rate or name == "corrupted_midway.mp4"
    assert usual_place(again[0].color) == usual_place(clip.color)
    assert again[0].size_px == clip.size_px
    assert sound_packets(videos / name) == sound_packets(tmp_path / "out.mp4")
    assert [note for note in notes if not note.endswith("not in the output")] == []  # such as a place, of phones


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p"])
@pytest.mark.parametrize("size", [(64, 48), (66, 46)])
def test_a_lossless_encoding_keeps_every_sample(tmp_path: Path, pixel_format: str, size: tuple[int, int]) -> None:
    source, target = make(tmp_path / "a.mp4", Made(size_px=size, pixel_format=pixel_format)), tmp_path / "out.mp4"
    clip, _, _ = rewrite(source, target, crf=0, preset="medium")
    assert_same_pictures(read_frames(source, clip), read_frames(target, read(target)[0]))


def assert_same_pictures(before: Iterator[Frame], after: Iterator[Frame]) -> None:
    for old, new in zip(before, after, strict=True):
        for left, right in zip(old.planes, new.planes, strict=True):
            np.testing.assert_array_equal(left, right[: left.shape[0], : left.shape[1]])


@pytest.mark.parametrize(
    ("pixel_format", "size"), [("yuv420p", (65, 47)), ("yuv420p", (64, 47)), ("yuv422p", (65, 48))]
)
def test_odd_sizes_repeat_their_last_line_with_a_note(tmp_path: Path, pixel_format: str, size: tuple[int, int]) -> None:
    source = make(tmp_path / "a.mkv", replace(FFV1, size_px=size, pixel_format=pixel_format))
    clip, _, notes = rewrite(source, tmp_path / "out.mp4", crf=0)
    again, _ = read(tmp_path / "out.mp4")
    even = (size[0] + size[0] % 2, size[1] + (size[1] % 2 if pixel_format == "yuv420p" else 0))
    assert again.size_px == even
    assert without_player_note(notes) == [
        f"{size[0]}x{size[1]} is odd: its last column or row was repeated to {even[0]}x{even[1]}, as H.264 needs"
    ]
    assert_same_pictures(read_frames(source, clip), read_frames(tmp_path / "out.mp4", again))
    for frame in read_frames(tmp_path / "out.mp4", again):
        np.testing.assert_array_equal(frame.luma[:, -1], frame.luma[:, size[0] - 1])
        np.testing.assert_array_equal(frame.luma[-1], frame.luma[size[1] - 1])


def test_rgb_becomes_yuv_of_the_same_colors(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", replace(FFV1, pixel_format="bgr0"))
    clip, _, notes = rewrite(source, tmp_path / "out.mp4", crf=0)
    again, _ = read(tmp_path / "out.mp4")
    assert without_player_note(notes) == ["RGB was written as YUV 4:4:4 (BT.709), as players expect of H.264"]
    assert (again.pixel_format, again.color.matrix) == ("yuv444p", 1)
    for old, new in zip(read_frames(source, clip), read_frames(tmp_path / "out.mp4", again), strict=True):
        assert np.abs(old.rgb().astype(int) - new.rgb()).max() <= 3


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le"])
def test_gray_stays_gray(tmp_path: Path, pixel_format: str) -> None:
    source = make(tmp_path / "a.mkv", replace(FFV1, pixel_format=pixel_format))
    clip, _, _ = rewrite(source, tmp_path / "out.mp4", crf=4)
    again, _ = read(tmp_path / "out.mp4")
    assert nearest_layout(again.pixel_format).name == pixel_format.replace("gray", "yuv420p")
    assert again.color.range == 2
    for frame in read_frames(tmp_path / "out.mp4", again):
        middle = 1 << (frame.layout.depth - 1)
        assert all((plane == middle).all() for plane in frame.planes[1:])
    assert clip.frames == again.frames


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made(size_px=(320, 240), ticks=range(0, 40 * 512, 512), tones=["aac"]))
    for name in ("1.mp4", "2.mp4"):
        rewrite(source, tmp_path / name)
    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "2.mp4").read_bytes()


def test_the_index_is_before_the_frames_and_no_version_is_stored(tmp_path: Path) -> None:
    rewrite(make(tmp_path / "a.mp4", Made()), tmp_path / "out.mp4")
    content = (tmp_path / "out.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    for stamp in (b"Lavf", b"Lavc"):
        assert stamp not in content


class Stop(Exception):
    """Raised by a stage that is interrupted."""


@pytest.mark.parametrize("after", [0, 1, 5])
def test_an_exception_leaves_no_file(tmp_path: Path, after: int) -> None:
    source, target = make(tmp_path / "a.mp4", Made(tones=["aac"])), tmp_path / "out.mp4"
    clip, _ = read(source)
    with pytest.raises(Stop), video_writer_for(target, clip, sound=source) as writer:
        for frame in read_frames(source, clip):
            if frame.index == after:
                raise Stop
            writer.write(frame.planes, frame.pts, frame.duration)
    assert not target.exists()


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    clip, _ = read(make(tmp_path / "a.mp4", Made()))
    with (
        pytest.raises(OutputError, match=r"none/out\.mp4: cannot be written \(No such file or directory\); free space"),
        video_writer_for(tmp_path / "none" / "out.mp4", clip) as writer,
    ):
        writer.write(planes(0, clip.size_px, clip.pixel_format), 0, 512)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Limit the size of this process's files to ``size`` bytes, like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [10, 40_000])
def test_a_full_disk_is_one_sentence_and_leaves_no_file(tmp_path: Path, size: int) -> None:
    clip, _ = read(make(tmp_path / "a.mp4", Made(size_px=(320, 240))))
    target = tmp_path / "out.mp4"
    noise = np.random.default_rng(1)
    with (
        room_for(size),
        pytest.raises(OutputError, match=r"out\.mp4: cannot be written \(.*\); free space there or choose"),
        video_writer_for(target, clip, crf=1) as writer,
    ):
        for index in range(40):
            luma = noise.integers(16, 235, (240, 320), dtype=np.uint8)
            writer.write((luma, luma[::2, ::2], luma[::2, ::2]), index * 512, 512)
    assert not target.exists()


def test_a_frame_too_narrow_for_the_encoder_is_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "small.mp4", Made(size_px=(48, 64)))
    with pytest.raises(OutputError, match=r"H\.265 needs a width of at least 64 px, not 48x64"):
        rewrite(source, tmp_path / "out.mp4", crf=18, preset="superfast", codec="x265")
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("codec", "crf", "preset"), [("x264", 18, "veryfast"), ("x265", 22, "ultrafast"), ("prores", None, "hq")]
)
def test_planes_that_change_after_they_were_written_change_no_byte(
    tmp_path: Path, codec: str, crf: int | None, preset: str
) -> None:
    """Also those whose memory the encoder's frame shares: encoders keep pictures for many calls."""
    clip, _ = read(make(tmp_path / "a.mkv", FFV1))
    layout, made = clip_layout(clip), []
    for scribbles in (True, False):
        path = tmp_path / str(scribbles)
        with video_writer_for(path, clip, crf=crf, preset=preset, codec=codec, threads=4) as writer:
            for number in range(12):
                shown = new_planes(layout, clip.size_px)
                for plane in shown:
                    plane[:] = np.arange(plane.size).reshape(plane.shape) % (50 + number)
                if codec == "x264":
                    assert shared_frame(shown, layout) is not None
                writer.write(shown, number, 1)
                for plane in shown if scribbles else ():
                    plane[:] = 77
        made.append(path.read_bytes())
    assert made[0] == made[1]
