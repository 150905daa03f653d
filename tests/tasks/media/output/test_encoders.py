"""Every encoder keeps times, tags and sound. A missing one is reported before any work."""

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from tasks.errors import OutputError, SettingError
from tasks.media.input.frames import read_frames
from tasks.media.output.encoders import (
    ENCODERS,
    coded_layout,
    configure_encoder,
    keep_thread_priority,
    open_encoder,
    require_encoder,
    unavailable_reason,
)
from tasks.media.output.written_check import check_written_video
from tasks.media.planes.layout import nearest_layout
from tasks.records import NO_HDR, ColorTags, HdrTags
from tests.support.clips import Made, make
from tests.support.rewrite_clip import read, rewrite, sound_packets, video_writer_for

SETTINGS = {"x264": (18, "veryfast"), "x265": (18, "superfast"), "av1": (28, "8"), "nvenc": (19, "p5")}
UNEVEN = Made(
    ticks=[0, 10, 30, 35, 90, 100, 300, 310, 320, 400],
    last_ticks=60,
    time_base=Fraction(1, 600),
    container={"video_track_timescale": "600"},
    tones=["aac", "mp3"],
    pixel_aspect=Fraction(4, 3),
    color=ColorTags(1, 1, 1, 1, 1),
)
MADE = {
    "uneven.mp4": UNEVEN,
    "late.mkv": Made(ticks=range(7001, 7001 + 40 * 33, 33), last_ticks=33, time_base=Fraction(1, 1000)),
    "ntsc.mov": Made(
        ticks=range(0, 12012, 1001), last_ticks=1001, time_base=Fraction(1, 30000), rate=Fraction(30000, 1001)
    ),
    "ten.mp4": Made(pixel_format="yuv420p10le", color=ColorTags(1, 9, 16, 9, 3)),
    "full.mp4": Made(color=ColorTags(2, 1, 1, 1, 1)),
    "one.mp4": Made(ticks=[0]),
    "two.mp4": Made(ticks=[0, 512]),
    "five.mp4": Made(ticks=range(0, 5 * 512, 512)),
}
# A BT.2020 display of 1000 cd/m2.
HDR = HdrTags(
    ("17/25", "8/25", "53/200", "69/100", "3/20", "3/50", "3127/10000", "329/1000", "1/1000", "1000"), (1000, 400)
)


@pytest.fixture(params=[name for name in ENCODERS if name != "prores"])  # see test_prores: it stores another format
def codec(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if reason := unavailable_reason(ENCODERS[name]):
        pytest.skip(f"{name} does not run here: {reason}")
    return name


def usual(color: ColorTags) -> ColorTags:
    """``color`` as files mean it: an unspecified range is limited, and not every codec stores the chroma location."""
    return replace(color, chroma_location=0, range=color.range or 1)


@pytest.mark.parametrize("name", MADE)
def test_times_tags_and_sound_are_kept(tmp_path: Path, codec: str, name: str) -> None:
    source, target = make(tmp_path / name, MADE[name]), tmp_path / "out.mp4"
    crf, preset = SETTINGS[codec]
    clip, table, notes = rewrite(source, target, crf=crf, preset=preset, codec=codec)
    again, found = read(target)
    assert [pts * clip.time_base for pts in table.pts] == [pts * again.time_base for pts in found.pts]
    assert [ticks * clip.time_base for ticks in table.duration] == [ticks * again.time_base for ticks in found.duration]
    assert (again.size_px, again.pixel_aspect) == (clip.size_px, clip.pixel_aspect)
    assert nearest_layout(again.pixel_format) == nearest_layout(clip.pixel_format)
    assert usual(again.color) == usual(clip.color)
    assert sound_packets(source) == sound_packets(target)
    assert [note for note in notes if "do not play it" not in note] == []
    check_written_video(target, clip.frames)
    for old, new in zip(read_frames(source, clip), read_frames(target, again), strict=True):
        scale = 1 << (old.layout.depth - 8)
        assert np.abs(old.luma.astype(float) - new.luma).mean() < 2 * scale


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path, codec: str) -> None:
    source = make(tmp_path / "a.mp4", Made(size_px=(320, 240), ticks=range(0, 40 * 512, 512)))
    crf, preset = SETTINGS[codec]
    for name in ("1.mp4", "2.mp4"):
        rewrite(source, tmp_path / name, crf=crf, preset=preset, codec=codec)
    first = (tmp_path / "1.mp4").read_bytes()
    assert first == (tmp_path / "2.mp4").read_bytes()
    assert b"Lavf" not in first
    assert first.index(b"moov") < first.index(b"mdat")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not choose processors")
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_bytes_are_the_same_on_one_processor(tmp_path: Path, codec: str, threads: int) -> None:
    source = make(tmp_path / "a.mp4", Made(size_px=(320, 240), ticks=range(0, 40 * 512, 512)))
    crf, preset = SETTINGS[codec]
    made, all_cpus = [], os.sched_getaffinity(0)
    for cpus in ({min(all_cpus)}, all_cpus):
        os.sched_setaffinity(0, cpus)
        try:
            rewrite(source, tmp_path / "out.mp4", crf=crf, preset=preset, codec=codec, threads=threads)
        finally:
            os.sched_setaffinity(0, all_cpus)
        made.append((tmp_path / "out.mp4").read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize(("threads", "look_ahead"), [(1, 1), (2, 3), (4, 3)])
def test_an_encoder_of_several_threads_also_looks_ahead_in_several(
    tmp_path: Path, threads: int, look_ahead: int
) -> None:
    source = make(tmp_path / "a.mp4", Made(size_px=(320, 240), ticks=range(0, 3 * 512, 512)))
    crf, preset = SETTINGS["x264"]
    rewrite(source, tmp_path / "out.mp4", crf=crf, preset=preset, codec="x264", threads=threads)
    written = (tmp_path / "out.mp4").read_bytes()  # x264 writes its settings into the first packet
    assert f" threads={threads} lookahead_threads={look_ahead} sliced_threads=0 ".encode() in written


@pytest.mark.parametrize(
    ("preset", "short", "frames"), [("veryfast", False, 10), ("veryfast", True, 7), ("medium", True, 40)]
)
def test_only_the_default_preset_looks_less_far_ahead(preset: str, short: bool, frames: int) -> None:
    context = VideoCodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 64, "yuv420p", Fraction(1, 30)
    configure_encoder(context, ENCODERS["x264"], 18, preset, NO_HDR, 1, short_look_ahead=short)
    frame = VideoFrame(64, 64, "yuv420p")
    frame.pts = 0
    first = bytes([*context.encode(frame), *context.encode(None)][0])
    assert f" rc_lookahead={frames} ".encode() in first


def test_no_encoder_prints_to_the_terminal(tmp_path: Path, codec: str, capfd: pytest.CaptureFixture[str]) -> None:
    source = make(tmp_path / "a.mkv", Made(codec="ffv1", options={}))
    capfd.readouterr()
    crf, preset = SETTINGS[codec]
    rewrite(source, tmp_path / "out.mp4", crf=crf, preset=preset, codec=codec)
    assert capfd.readouterr() == ("", "")


def test_hdr_tags_are_kept_over_two_encodings(tmp_path: Path, codec: str) -> None:
    if codec == "nvenc":
        pytest.skip("NVENC takes no mastering tags, and says so")
    ten = make(tmp_path / "a.mp4", replace(MADE["ten.mp4"]))
    clip, _ = read(ten)
    assert clip.hdr == NO_HDR
    crf, preset = SETTINGS[codec]
    with video_writer_for(tmp_path / "1.mp4", replace(clip, hdr=HDR), crf=crf, preset=preset, codec=codec) as writer:
        for frame in read_frames(ten, clip):
            writer.write(frame.planes, frame.pts, frame.duration)
    first = read(tmp_path / "1.mp4")[0]
    rewrite(tmp_path / "1.mp4", tmp_path / "2.mp4", crf=crf, preset=preset, codec=codec)
    for hdr in (first.hdr, read(tmp_path / "2.mp4")[0].hdr):
        assert hdr.light == HDR.light
        told, meant = ([float(Fraction(one)) for one in numbers] for numbers in (hdr.mastering, HDR.mastering))
        np.testing.assert_allclose(told, meant, rtol=1e-4, atol=1e-4)
    if codec != "av1":  # which stores its numbers in other steps
        assert first.hdr == HDR


def test_coarser_chroma_than_the_source_is_noted(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made(pixel_format="yuv444p", color=ColorTags(1, 1, 1, 1, 1)))
    _, _, notes = rewrite(source, tmp_path / "out.mp4", crf=24, preset="10", codec="av1")
    assert notes == ["yuv444p was written as YUV 4:2:0: av1 stores no finer colour"]
    assert read(tmp_path / "out.mp4")[0].pixel_format == "yuv420p"


@pytest.mark.parametrize(
    ("stored", "name", "coded"),
    [
        ("yuv422p10le", "x264", "yuv422p10le"),
        ("gbrp", "x265", "yuv444p"),
        ("gbrp10le", "av1", "yuv420p10le"),
        ("gray", "x264", "yuv420p"),
        ("yuv422p", "nvenc", "yuv420p"),
    ],
)
def test_each_layout_is_stored_in_the_nearest_one_of_the_encoder(stored: str, name: str, coded: str) -> None:
    assert coded_layout(nearest_layout(stored), ENCODERS[name]).name == coded


def test_the_error_for_a_missing_encoder_lists_the_available_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    require_encoder("x264")
    monkeypatch.setitem(ENCODERS, "av1", replace(ENCODERS["av1"], ffmpeg_name="libnone"))
    with pytest.raises(
        SettingError, match=r"encode\.codec: av1 does not run here \(this FFmpeg has no libnone\)"
    ) as told:
        require_encoder("av1")
    assert "choose one of x264, x265, prores" in str(told.value)


def test_nvenc_without_its_driver_is_one_sentence() -> None:
    reason = unavailable_reason(ENCODERS["nvenc"])
    if not reason:
        pytest.skip("NVENC runs here")
    with pytest.raises(SettingError, match="nvenc does not run here") as told:
        require_encoder("nvenc")
    assert reason in str(told.value)


def test_an_encoder_that_refuses_its_settings_is_quoted(tmp_path: Path) -> None:
    clip, _ = read(make(tmp_path / "a.mp4", Made()))
    huge = replace(clip, width_px=20000, height_px=20000)
    with pytest.raises(
        OutputError, match=r"x264 refuses to encode 20000x20000 yuv420p.*\(Picture size .* is invalid\)"
    ):
        video_writer_for(tmp_path / "out.mp4", huge)
    assert not (tmp_path / "out.mp4").exists()


THREADS_FOLDER = Path("/proc/self/task")


def schedulers() -> set[int]:
    return {os.sched_getscheduler(int(folder.name)) for folder in THREADS_FOLDER.iterdir()}


@pytest.mark.skipif(not THREADS_FOLDER.is_dir(), reason="only Linux shows the scheduling of threads")
@pytest.mark.parametrize("name", list(ENCODERS))
def test_no_encoder_makes_real_time_threads(name: str) -> None:
    encoder = ENCODERS[name]
    if reason := unavailable_reason(encoder):
        pytest.skip(f"{name} does not run here: {reason}")
    context = cast(VideoCodecContext, VideoCodecContext.create(encoder.ffmpeg_name, "w"))
    context.width, context.height, context.time_base = 256, 144, Fraction(1, 30)
    context.pix_fmt = coded_layout(nearest_layout("yuv420p"), encoder).name
    open_encoder(context)
    assert schedulers() == {os.SCHED_OTHER}


@pytest.mark.skipif(not hasattr(os, "sched_setscheduler") or os.geteuid() != 0, reason="only root may raise a priority")
def test_a_priority_raised_in_the_block_is_reset() -> None:
    with keep_thread_priority():
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    assert schedulers() == {os.SCHED_OTHER}
