"""ProRes in QuickTime: 10 bits, 4:2:2 or 4:4:4, limited range, with the source's times, tags and sound."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tasks.media.input.frames import read_frames
from tasks.media.output.encoders import ENCODERS, unavailable_reason
from tasks.media.output.output_file import PictureStream
from tasks.media.output.video_writer import VideoWriter
from tasks.media.output.written_check import check_written_video
from tasks.media.planes.layout import clip_layout, nearest_layout
from tasks.records import ColorTags
from tests.support.clips import Made, make
from tests.support.rewrite_clip import read, rewrite, sound_packets

FFV1 = {"codec": "ffv1", "options": {}}
BT709 = ColorTags(1, 1, 1, 1, 1)
MADE = {
    "eight.mkv": Made(color=BT709, **FFV1),  # type: ignore[arg-type]
    "odd.mkv": Made(size_px=(66, 47), color=BT709, **FFV1),  # type: ignore[arg-type]
    "ten.mkv": Made(pixel_format="yuv422p10le", color=ColorTags(1, 9, 16, 9, 1), **FFV1),  # type: ignore[arg-type]
    "fine.mkv": Made(pixel_format="yuv444p10le", color=BT709, **FFV1),  # type: ignore[arg-type]
}


@pytest.fixture(autouse=True)
def prores() -> None:
    if reason := unavailable_reason(ENCODERS["prores"]):
        pytest.skip(f"prores does not run here: {reason}")


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(("preset", "ratio"), [("hq", "422"), ("4444", "444")])
def test_the_picture_is_stored_in_ten_bits(tmp_path: Path, name: str, preset: str, ratio: str) -> None:
    source, target = make(tmp_path / name, MADE[name]), tmp_path / "out.mov"
    clip, table, notes = rewrite(source, target, crf=None, preset=preset, codec="prores")
    again, found = read(target)
    assert again.codec == "prores"
    assert clip_layout(again).name == f"yuv{ratio}p10le"
    assert (again.size_px, again.pixel_aspect) == (clip.size_px, clip.pixel_aspect)
    assert [again.color.range, again.color.matrix, again.color.transfer, again.color.primaries] == [
        1,
        clip.color.matrix,
        clip.color.transfer,
        clip.color.primaries,
    ]
    assert [pts * clip.time_base for pts in table.pts] == [pts * again.time_base for pts in found.pts]
    coarser = name == "fine.mkv" and ratio == "422"
    assert notes == (["yuv444p10le was written as YUV 4:2:2: prores stores no finer colour"] if coarser else [])
    check_written_video(target, clip.frames)
    for old, new in zip(read_frames(source, clip), read_frames(target, again), strict=True):
        luma = old.luma.astype(float) * (1 << (10 - old.layout.depth))
        assert np.abs(luma - new.luma).mean() < 3  # of 1023


def test_full_range_becomes_limited_range_and_is_noted(tmp_path: Path) -> None:
    source = make(tmp_path / "full.mkv", Made(color=ColorTags(2, 1, 1, 1, 1), **FFV1))  # type: ignore[arg-type]
    clip, _, notes = rewrite(source, tmp_path / "out.mov", crf=None, preset="hq", codec="prores")
    assert notes == ["full range was written as limited range, as players expect of ProRes"]
    again, _ = read(tmp_path / "out.mov")
    assert again.color.range == 1
    before, after = (
        next(iter(read_frames(path, of))).rgb() for path, of in ((source, clip), (tmp_path / "out.mov", again))
    )
    assert np.abs(before.astype(float) - after).mean() < 2


def test_sound_is_copied(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mov", Made(tones=["pcm_s16le", "aac"]))
    _, _, notes = rewrite(source, tmp_path / "out.mov", crf=None, preset="standard", codec="prores")
    assert notes == []
    for before, after in zip(sound_packets(source), sound_packets(tmp_path / "out.mov"), strict=True):
        assert b"".join(data for _, data in before) == b"".join(data for _, data in after)
        assert before[0][0] == after[0][0]


def test_gray_stays_gray(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", Made(pixel_format="gray", color=ColorTags(1, 1, 1, 1, 0), **FFV1))  # type: ignore[arg-type]
    rewrite(source, tmp_path / "out.mov", crf=None, preset="standard", codec="prores")
    again, _ = read(tmp_path / "out.mov")
    frame = next(iter(read_frames(tmp_path / "out.mov", again)))
    assert np.abs(frame.planes[1].astype(int) - 512).max() <= 2


@pytest.mark.parametrize(("location", "right", "down"), [(0, 0, 0.5), (1, 0, 0.5), (2, 0.5, 0.5), (3, 0, 0)])
def test_chroma_stays_at_its_location(tmp_path: Path, location: int, right: float, down: float) -> None:
    """Ramps of 2 per luma pixel, in u across and in v down, stay where the chroma location puts them."""
    width, height = 64, 48
    u = np.tile((20 + 4 * np.arange(width // 2)).astype(np.uint8), (height // 2, 1))
    v = np.tile((20 + 4 * np.arange(height // 2)).astype(np.uint8)[:, None], (1, width // 2))
    layout, color = nearest_layout("yuv420p"), ColorTags(1, 1, 1, 1, location)
    writer = VideoWriter(
        tmp_path / "out.mov",
        PictureStream((width, height), layout, Fraction(1, 30), Fraction(30), color, Fraction(1)),
        crf=None,
        preset="4444xq",
        codec="prores",
    )
    with writer:
        writer.write((np.full((height, width), 120, np.uint8), u, v), 0, 1)
    clip, _ = read(tmp_path / "out.mov")
    frame = next(iter(read_frames(tmp_path / "out.mov", clip)))
    inside = np.s_[8:40, 8:56]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    for plane, expected in ((frame.planes[1], 20 + 2 * (x - right)), (frame.planes[2], 20 + 2 * (y - down))):
        assert np.abs(plane[inside] / 4 - expected[inside]).max() <= 0.51


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made(size_px=(320, 240), ticks=range(0, 20 * 512, 512)))
    for name in ("1.mov", "2.mov"):
        rewrite(source, tmp_path / name, crf=None, preset="standard", codec="prores")
    first = (tmp_path / "1.mov").read_bytes()
    assert first == (tmp_path / "2.mov").read_bytes()
    assert b"Lavf" not in first
    assert first.index(b"moov") < first.index(b"mdat")


def test_the_codec_tag_is_apple_s(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made())
    rewrite(source, tmp_path / "out.mov", crf=None, preset="hq", codec="prores")
    with av.open(str(tmp_path / "out.mov")) as file:
        assert file.streams.video[0].codec_context.codec_tag == "apch"
    assert_array_equal(read(tmp_path / "out.mov")[1].pts, read(source)[1].pts)
