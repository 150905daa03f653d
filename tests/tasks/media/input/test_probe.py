"""What a scan finds in files that each have one property, and in real files."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tasks.errors import VideoError
from tasks.media.input.probe import FrameTable, probe_shape, scan_video
from tasks.records import Clip, ColorTags
from tests.support.clips import Made, make

NTSC = Made(ticks=range(0, 12 * 1001, 1001), last_ticks=1001, time_base=Fraction(1, 30000), rate=Fraction(30000, 1001))
UNEVEN = Made(
    ticks=[0, 10, 30, 35, 90, 100, 300, 310, 320, 400, 405, 500],
    last_ticks=60,
    time_base=Fraction(1, 600),
    container={"video_track_timescale": "600"},
    options={"crf": "10", "bf": "0", "threads": "1"},
)
LONG = Made(ticks=range(0, 60 * 512, 512), container={"movflags": "+faststart"})


def read(path: Path, *, strict: bool = False) -> tuple[Clip, FrameTable]:
    return scan_video(path, "digest", lambda done: None, strict=strict)


def test_a_plain_clip_is_described_as_it_was_made(tmp_path: Path) -> None:
    clip, _ = read(make(tmp_path / "a.mp4", Made(tones=["aac", "aac"])))
    assert (clip.size_px, clip.frames, clip.frames_declared, clip.broken) == ((64, 48), 12, 12, "")
    assert (clip.rate_hz, clip.time_base_s, clip.variable_rate) == ("30", "1/15360", False)
    assert (clip.start_s, clip.duration_s) == (0.0, 0.4)
    assert (clip.codec, clip.pixel_format, clip.pixel_aspect) == ("h264", "yuv420p", "1")
    assert [(track.codec, track.rate_hz, track.channels) for track in clip.sound] == [("aac", 48000, 1)] * 2
    assert Clip.from_json(json.loads(json.dumps(asdict(clip)))) == clip


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.ts"])
def test_the_rate_is_an_exact_fraction_in_every_container(tmp_path: Path, name: str) -> None:
    clip, _ = read(make(tmp_path / name, NTSC))
    assert clip.rate == Fraction(30000, 1001)
    assert not clip.variable_rate


def test_a_variable_rate_keeps_every_time_and_the_last_duration(tmp_path: Path) -> None:
    clip, table = read(make(tmp_path / "a.mp4", UNEVEN))
    assert clip.variable_rate
    assert clip.time_base == Fraction(1, 600)
    assert table.pts.tolist() == list(UNEVEN.ticks)
    assert table.duration.tolist() == [*np.diff(UNEVEN.ticks), 60]
    assert clip.rate == 12 / Fraction(560, 600)


def test_one_skipped_frame_makes_the_rate_variable(tmp_path: Path) -> None:
    ticks = [index * 512 for index in range(13) if index != 6]
    assert read(make(tmp_path / "a.mp4", Made(ticks=ticks)))[0].variable_rate


def test_a_first_timestamp_that_is_not_zero_is_kept(tmp_path: Path) -> None:
    made = Made(ticks=range(15360, 15360 + 12 * 512, 512))
    clip, table = read(make(tmp_path / "a.mp4", made))
    assert table.pts.tolist() == list(made.ticks)
    assert clip.start_s == 1.0
    assert table.columns(clip)["time_s"][0] == 1.0


def test_a_clip_may_have_one_frame(tmp_path: Path) -> None:
    clip, table = read(make(tmp_path / "a.mp4", Made(ticks=[0])))
    assert (clip.frames, clip.rate_hz, table.duration.tolist()) == (1, "30", [512])


@pytest.mark.parametrize(
    ("ccw_deg", "rotation_deg", "size_px"),
    [(0, 0, (64, 48)), (90, 270, (48, 64)), (180, 180, (64, 48)), (270, 90, (48, 64))],
)
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_display_matrix_rotates_size_and_pixel_aspect(
    tmp_path: Path, ccw_deg: int, rotation_deg: int, size_px: tuple[int, int], mirrored: bool
) -> None:
    made = Made(turn_ccw_deg=ccw_deg, mirrored=mirrored, pixel_aspect=Fraction(4, 3))
    path = make(tmp_path / "a.mp4", made)
    clip, _ = read(path)
    assert (clip.rotation_deg, clip.mirrored, clip.size_px) == (rotation_deg, mirrored, size_px)
    assert Fraction(clip.pixel_aspect) == (Fraction(3, 4) if rotation_deg % 180 else Fraction(4, 3))
    assert probe_shape(path) == (size_px, Fraction(clip.pixel_aspect))


def test_a_rotation_that_is_no_multiple_of_90_degrees_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="turned by 30 degrees; re-encode"):
        read(make(tmp_path / "a.mp4", Made(turn_ccw_deg=-30)))


@pytest.mark.parametrize("color", [ColorTags(1, 1, 1, 1, 1), ColorTags(2, 9, 16, 9, 3), ColorTags(1, 5, 6, 5, 2)])
def test_color_tags_are_read(tmp_path: Path, color: ColorTags) -> None:
    assert read(make(tmp_path / "a.mp4", Made(color=color)))[0].color == color


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mov", "mjpeg", "yuvj420p"),
        ("a.mkv", "ffv1", "gray"),
        ("a.mkv", "ffv1", "ya8"),
        ("a.nut", "rawvideo", "monow"),
        ("a.nut", "rawvideo", "monob"),
    ],
)
def test_yuvj_formats_and_gray_are_full_range_without_a_tag(
    tmp_path: Path, name: str, codec: str, pixel_format: str
) -> None:
    clip = read(make(tmp_path / name, Made(codec=codec, options={}, pixel_format=pixel_format)))[0]
    assert (clip.pixel_format, clip.color.range) == (pixel_format, 2)


def test_gray_that_is_tagged_as_limited_range_is_limited_range(tmp_path: Path) -> None:
    made = Made(codec="ffv1", options={}, pixel_format="ya8", color=ColorTags(1, 1, 1, 1, 0))
    assert read(make(tmp_path / "a.mkv", made))[0].color.range == 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_truncated_file_gives_its_frames_and_is_called_broken(tmp_path: Path, name: str) -> None:
    whole = make(tmp_path / name, LONG)
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) * 6 // 10])
    clip, table = read(whole)
    assert 0 < clip.frames < 60
    assert len(table.pts) == clip.frames
    assert clip.broken.startswith(f"{clip.frames} ")
    assert "frames could be decoded: " in clip.broken
    with pytest.raises(VideoError, match=r"frames could be decoded: .*; repair it, or use decode\.strict=false"):
        read(whole, strict=True)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mov"])
def test_a_complete_file_is_not_called_broken(tmp_path: Path, name: str) -> None:
    clip, _ = read(make(tmp_path / name, Made(tones=["aac"])), strict=True)
    assert (clip.frames, clip.broken) == (12, "")


NOT_DECODED = "Invalid data found when processing input"  # FFmpeg's message for a picture that is cut off
FRAGMENTS = Made(
    ticks=range(0, 60 * 512, 512),
    options={"crf": "10", "g": "10", "preset": "veryfast", "threads": "1"},
    container={"movflags": "+frag_keyframe+empty_moov"},
)


@pytest.mark.parametrize(
    ("name", "made", "packet"),
    [
        ("a.mp4", FRAGMENTS, 1),
        ("a.ts", LONG, 188),
        ("a.m2ts", replace(LONG, container={"mpegts_m2ts_mode": "1"}), 192),
    ],
)
def test_a_truncated_file_without_a_frame_count_is_called_broken(
    tmp_path: Path, name: str, made: Made, packet: int
) -> None:
    path = make(tmp_path / name, replace(made, tones=["aac"]))
    content = path.read_bytes()
    clip, _ = read(path, strict=True)
    assert (clip.frames, clip.frames_declared, clip.broken) == (60, 0, "")
    within = "fragment" if name == "a.mp4" else "packet"
    for share in (0.3, 0.5, 0.8):
        path.write_bytes(content[: int(len(content) * share) // packet * packet + 100])
        clip, _ = read(path)
        said = f"{clip.frames} frames could be decoded: the file ends early, within a {within}"
        assert clip.broken in (said, f"{clip.frames} frames could be decoded: {NOT_DECODED}")
        assert 0 < clip.frames < 60
        assert share != 0.3 or clip.broken == said
    path.write_bytes(content + b"neither a box nor a packet")
    assert read(path)[0].broken == ""


@pytest.mark.parametrize("live", [False, True])
def test_a_matroska_file_that_lacks_only_sound_is_called_broken(tmp_path: Path, *, live: bool) -> None:
    path = make(tmp_path / "a.mkv", Made(tones=["aac"], container={"live": "1"} if live else {}))
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    clip, _ = read(path)
    said = "" if live else "12 frames could be decoded: the file ends early, within its segment"
    assert (clip.frames, clip.broken) == (12, said)
    path.write_bytes(content + b"no element")
    assert read(path)[0].broken == ""


def test_frames_that_an_edit_list_hides_are_not_missing(tmp_path: Path) -> None:
    made = Made(ticks=range(-4 * 512, 8 * 512, 512), options={"crf": "10", "g": "3", "bf": "0", "threads": "1"})
    clip, table = read(make(tmp_path / "a.mp4", made), strict=True)
    assert table.pts.tolist() == list(range(0, 8 * 512, 512))
    assert (clip.frames, clip.frames_declared, clip.broken) == (8, 8, "")


def test_a_change_of_the_frame_size_ends_the_clip(tmp_path: Path) -> None:
    small, large = (make(tmp_path / f"{w}.ts", Made(size_px=(w, 48))) for w in (64, 128))
    (tmp_path / "both.ts").write_bytes(small.read_bytes() + large.read_bytes())
    clip, _ = read(tmp_path / "both.ts")
    assert (clip.size_px, clip.frames) == ((64, 48), 12)
    assert clip.broken == "12 frames could be decoded: the picture changes from 64x48 yuv420p to 128x48 yuv420p"


def test_the_scan_reports_every_frame_and_the_callback_may_stop_it(tmp_path: Path) -> None:
    path, done = make(tmp_path / "a.mp4", Made()), list[int]()
    scan_video(path, "digest", done.append)
    assert done == list(range(1, 13))

    class Stop(Exception):
        pass

    def stop(count: int) -> None:
        if count == 5:
            raise Stop

    with pytest.raises(Stop):
        scan_video(path, "digest", stop)


REAL: dict[str, Callable[[Clip], bool]] = {
    "moonwalk.mp4": lambda clip: clip.size_px == (1084, 1080) and clip.rate == Fraction(24000, 1001),
    "lab_walk_side.mp4": lambda clip: clip.frames == 401 and clip.color.matrix == 1 and len(clip.sound) == 1,
    "gym_jog_moving_camera.mp4": lambda clip: clip.size_px == (1920, 1088) and clip.frames == 180,
    "two_people_vp9_audio.mp4": lambda clip: clip.codec == "vp9" and clip.frames == 230,
    "phone_rotated_printed_figure.mov": lambda clip: clip.rotation_deg == 90 and clip.size_px == (320, 568),
    "thermal_vfr_no_person.mp4": lambda clip: clip.variable_rate and clip.frames == 84,
    "corrupted_midway.mp4": lambda clip: clip.broken.startswith("28 of 50 frames could be decoded: "),
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_described_correctly(videos: Path, name: str) -> None:
    clip, table = read(videos / name)
    assert REAL[name](clip)
    assert probe_shape(videos / name)[0] == clip.size_px
    assert len(table.pts) == clip.frames
    assert np.diff(table.pts).min() > 0
    assert (clip.broken == "") == (name != "corrupted_midway.mp4")
    assert clip.variable_rate == (name == "thermal_vfr_no_person.mp4")
    with av.open(str(videos / name)) as file:
        stream = file.streams.video[0]
        if not clip.broken and stream.duration:
            assert table.pts[-1] + table.duration[-1] == stream.duration
