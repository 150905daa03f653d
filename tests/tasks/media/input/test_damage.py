"""Missing frames are counted, and an undamaged file never reports any."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from tasks.errors import VideoError
from tasks.media.input.damage import SuspectPackets, describe_concealed, describe_missing_frames
from tasks.media.input.frames import read_frames
from tasks.media.input.probe import scan_video
from tests.support.clips import Made, make
from tests.support.rewrite_clip import read, scratched

TICK_S = Fraction(1, 1000)
EVEN = [*range(0, 2000, 40)]
PLAIN = Made(ticks=range(0, 60 * 3000, 3000), last_ticks=3000, time_base=Fraction(1, 90_000))
H264 = replace(PLAIN, options={"x264-params": "open-gop=1:keyint=20:bframes=3", "threads": "1"})
H265_OPTIONS = {"x265-params": "open-gop=1:keyint=20:bframes=3:log-level=none:pools=1", "preset": "ultrafast"}
H265 = replace(PLAIN, codec="libx265", options=H265_OPTIONS)
SHORT = replace(PLAIN, ticks=range(60), last_ticks=1, time_base=Fraction(1, 30))
OPEN = {"h264": H264, "hevc": H265}


def missing(pts: list[int], frameless: tuple[int, ...] = (), corrupt: tuple[int, ...] = ()) -> str:
    return describe_missing_frames(np.array(pts, dtype=np.int64), SuspectPackets(frameless, corrupt), TICK_S)


def without(*pts: int) -> list[int]:
    return [known for known in EVEN if known not in pts]


def test_nothing_is_missing_without_a_suspect_packet() -> None:
    assert missing([]) == missing([0]) == missing([0], (0,), (0,)) == missing(EVEN) == missing(without(400)) == ""


@pytest.mark.parametrize("suspects", [{"frameless": (400,)}, {"corrupt": (400,)}, {"corrupt": (1300,)}])
def test_a_gap_with_a_suspect_packet_is_a_missing_frame(suspects: dict[str, tuple[int, ...]]) -> None:
    assert missing(without(400), **suspects) == "1 frame is missing at 0.40 s"


def test_the_length_of_a_gap_gives_the_number_of_missing_frames() -> None:
    assert missing(without(400, 440, 1000), (440, 1000)) == "3 frames are missing, the first at 0.40 s"
    assert missing(without(400, 440, 1000), corrupt=(440,)) == "3 frames are missing, the first at 0.40 s"


def test_a_suspect_packet_without_a_gap_is_no_missing_frame() -> None:
    fields = tuple(pts + 20 for pts in EVEN)  # the second field of each frame, in a packet of its own
    assert missing(EVEN, frameless=fields) == missing(EVEN, corrupt=tuple(EVEN)) == ""
    assert missing(without(400), frameless=(-40, 420 + 2000)) == missing(without(400), corrupt=(1900,)) == ""


def test_at_a_variable_rate_only_packets_count() -> None:
    uneven = np.cumsum([40, 40, 40, 500] * 9).tolist()
    assert missing(uneven, corrupt=(700,)) == ""
    assert missing(uneven, frameless=(400,)) == "1 frame is missing at 0.16 s"


def test_a_long_cut_is_not_damage() -> None:
    assert missing([*EVEN, *(pts + 60_000 for pts in EVEN)], corrupt=(60_000,)) == ""


def video_packets(path: Path) -> list["Packet[VideoStream]"]:
    with av.open(str(path)) as file:
        return [packet for packet in file.demux(video=0) if packet.size]


def test_frames_lost_from_a_transport_stream_are_counted(tmp_path: Path) -> None:
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
        scan_video(path, "digest", lambda done: None, strict=True)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_packet_that_gives_no_frame_counts_as_missing(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, H265)
    packet = video_packets(path)[30]
    content = bytes(packet)
    assert path.read_bytes().count(content) == 1
    unknown = content[:4] + bytes([41 << 1]) + content[5:]  # a reserved type of NAL unit, which decoders skip
    path.write_bytes(path.read_bytes().replace(content, unknown))
    clip, _ = read(path)
    assert (30 < clip.frames < 60, clip.broken) == (True, "")  # other frames refer to it
    assert clip.missing.startswith(f"{60 - clip.frames} frames are missing, the first at ")


@pytest.mark.parametrize("codec", OPEN)
def test_packets_before_the_first_decodable_frame_are_not_missing(tmp_path: Path, codec: str) -> None:
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
def test_an_undamaged_file_has_no_missing_frames(tmp_path: Path, name: str, made: Made) -> None:
    clip, _ = scan_video(make(tmp_path / name, made), "digest", lambda done: None, strict=True)
    assert (clip.frames, clip.missing) == (60, "")


def test_damage_that_the_decoder_covers_up_is_known_of_its_frame(videos: Path, tmp_path: Path) -> None:
    source = videos / "moonwalk.mp4"
    whole, _ = scan_video(source, "digest", lambda _: None, strict=True)
    assert not any(frame.concealed for frame in read_frames(source, whole))
    path = scratched(source, tmp_path / "moonwalk.mp4", packet=30)
    clip, _ = scan_video(path, "digest", lambda _: None)
    assert (clip.frames, clip.broken, clip.missing) == (whole.frames, "", "")
    assert sum(frame.concealed for frame in read_frames(path, clip)) == 1
    with pytest.raises(VideoError, match=r"moonwalk\.mp4: 1 frame is damaged at 1\.\d\d s; .*decode\.strict=false"):
        scan_video(path, "digest", lambda _: None, strict=True)


def test_damaged_frames_are_counted_in_a_clause() -> None:
    assert describe_concealed([]) == ""
    assert describe_concealed([1.25]) == "1 frame is damaged at 1.25 s"
    assert describe_concealed([1.25, 3]) == "2 frames are damaged, the first at 1.25 s"
