"""Frames that are missing in the middle are counted, and nothing is called missing that never was a frame."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from tasks.errors import VideoError
from tasks.media.input.lost_frames import Unshown, lost_frames
from tasks.media.input.probe import scan
from tests.support.clips import Made, make
from tests.support.rewriting import read

TICK_S = Fraction(1, 1000)
EVEN = [*range(0, 2000, 40)]
PLAIN = Made(ticks=range(0, 60 * 3000, 3000), last_ticks=3000, time_base=Fraction(1, 90_000))
H264 = replace(PLAIN, options={"x264-params": "open-gop=1:keyint=20:bframes=3", "threads": "1"})
H265_OPTIONS = {"x265-params": "open-gop=1:keyint=20:bframes=3:log-level=none:pools=1", "preset": "ultrafast"}
H265 = replace(PLAIN, codec="libx265", options=H265_OPTIONS)
SHORT = replace(PLAIN, ticks=range(60), last_ticks=1, time_base=Fraction(1, 30))
OPEN = {"h264": H264, "hevc": H265}


def lost(pts: list[int], silent: tuple[int, ...] = (), marked: tuple[int, ...] = ()) -> str:
    return lost_frames(np.array(pts, dtype=np.int64), Unshown(silent, marked), TICK_S)


def without(*pts: int) -> list[int]:
    return [known for known in EVEN if known not in pts]


def test_nothing_is_missing_without_a_packet_to_blame() -> None:
    assert lost([]) == lost([0]) == lost([0], (0,), (0,)) == lost(EVEN) == lost(without(400)) == ""


@pytest.mark.parametrize("blamed", [{"silent": (400,)}, {"marked": (400,)}, {"marked": (1300,)}])
def test_a_hole_with_a_packet_to_blame_is_told(blamed: dict[str, tuple[int, ...]]) -> None:
    assert lost(without(400), **blamed) == "1 frame is missing at 0.40 s"


def test_the_length_of_holes_tells_their_frames() -> None:
    assert lost(without(400, 440, 1000), (440, 1000)) == "3 frames are missing, the first at 0.40 s"
    assert lost(without(400, 440, 1000), marked=(440,)) == "3 frames are missing, the first at 0.40 s"


def test_what_leaves_no_hole_is_not_missing() -> None:
    fields = tuple(pts + 20 for pts in EVEN)  # the second of each frame, in a packet of its own
    assert lost(EVEN, silent=fields) == lost(EVEN, marked=tuple(EVEN)) == ""
    assert lost(without(400), silent=(-40, 420 + 2000)) == lost(without(400), marked=(1900,)) == ""


def test_where_long_steps_are_usual_only_packets_count() -> None:
    uneven = np.cumsum([40, 40, 40, 500] * 9).tolist()
    assert lost(uneven, marked=(700,)) == ""
    assert lost(uneven, silent=(400,)) == "1 frame is missing at 0.16 s"


def test_what_was_cut_out_is_not_missing() -> None:
    assert lost([*EVEN, *(pts + 60_000 for pts in EVEN)], marked=(60_000,)) == ""


def video_packets(path: Path) -> list["Packet[VideoStream]"]:
    with av.open(str(path)) as file:
        return [packet for packet in file.demux(video=0) if packet.size]


def test_a_transport_stream_tells_what_was_lost(tmp_path: Path) -> None:
    path = make(tmp_path / "a.ts", replace(PLAIN, options={"bf": "0", "threads": "1"}))
    content, packets = path.read_bytes(), video_packets(path)
    first, last = packets[20], packets[22]
    assert first.pts is not None
    assert first.pos
    assert last.pos
    path.write_bytes(content[: first.pos] + content[last.pos :])
    clip, _ = read(path)
    assert (clip.frames, clip.broken) == (58, "")
    assert clip.missing == f"2 frames are missing, the first at {first.pts / 90_000:.2f} s"
    with pytest.raises(VideoError, match=r"a\.ts: 2 frames are missing, .* s; repair it, or use decode\.strict=false"):
        scan(path, "digest", lambda done: None, strict=True)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_packet_of_which_the_decoder_makes_nothing_is_missed(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, H265)
    packet = video_packets(path)[30]
    content = bytes(packet)
    assert path.read_bytes().count(content) == 1
    unknown = content[:4] + bytes([41 << 1]) + content[5:]  # a kind of data that is to be passed over
    path.write_bytes(path.read_bytes().replace(content, unknown))
    clip, _ = read(path)
    assert (30 < clip.frames < 60, clip.broken) == (True, "")  # others are made from it
    assert clip.missing.startswith(f"{60 - clip.frames} frames are missing, the first at ")


@pytest.mark.parametrize("codec", OPEN)
def test_what_leads_up_to_the_first_frame_is_not_missed(tmp_path: Path, codec: str) -> None:
    path = make(tmp_path / "a.ts", OPEN[codec])
    content, shown = path.read_bytes(), set[int]()
    for share in (0.1, 0.2, 0.4, 0.6):
        path.write_bytes(content[int(len(content) * share) // 188 * 188 :])
        clip, _ = read(path)
        assert (clip.missing, clip.broken) == ("", "")
        shown.add(clip.frames)
    assert max(shown) < 60
    path.write_bytes(content[: len(content) * 6 // 10] + content)
    clip, _ = read(path)
    assert (len(clip.restarts), clip.missing) == (1, "")


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a.mp4", H264),
        ("a.mkv", H265),
        ("a.ts", replace(PLAIN, options={"x264-params": "tff=1", "threads": "1"})),
        ("a.ts", replace(SHORT, codec="mpeg2video", options={"bf": "2", "flags": "+ildct+ilme"})),
        ("a.avi", replace(SHORT, codec="mpeg4", options={"bf": "2"})),
        ("a.avi", replace(SHORT, options={"bf": "3", "threads": "1"})),
        ("a.webm", replace(PLAIN, codec="libvpx-vp9", options={"lag-in-frames": "16", "auto-alt-ref": "1"})),
        ("a.webm", replace(PLAIN, codec="libvpx", options={"lag-in-frames": "16", "auto-alt-ref": "1"})),
        ("a.gif", replace(SHORT, codec="gif", options={}, pixel_format="gray")),
    ],
)
def test_a_whole_file_misses_nothing(tmp_path: Path, name: str, made: Made) -> None:
    clip, _ = scan(make(tmp_path / name, made), "digest", lambda done: None, strict=True)
    assert (clip.frames, clip.missing) == (60, "")
