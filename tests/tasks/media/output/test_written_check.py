"""A written video is checked by reading it back: damage, missing frames, and bits that changed on the disk."""

from pathlib import Path

import av
import pytest

from tasks.errors import OutputError
from tasks.media.input.frames import read_frames
from tasks.media.output.written_check import PacketList, check_written_video
from tests.support.clips import Made, make
from tests.support.rewrite_clip import read, video_writer_for


def test_missing_frames_are_found(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made())
    check_written_video(path, 12)
    with pytest.raises(OutputError, match=r"a\.mp4: holds 12 frames instead of 13; run again"):
        check_written_video(path, 13)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(OutputError, match="cannot be read back"):
        check_written_video(path, 12)
    with pytest.raises(OutputError, match="no such file"):
        check_written_video(tmp_path / "none.mp4", 12)


def test_a_truncated_file_is_found(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made(size_px=(320, 240), container={"movflags": "+faststart"}))
    content = path.read_bytes()
    for kept in (0.9, 0.5):
        path.write_bytes(content[: int(kept * len(content))])
        with pytest.raises(OutputError, match=r"a\.mp4: holds \d+ frames? instead of 12"):
            check_written_video(path, 12)


def test_a_damaged_key_frame_is_found(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made(size_px=(320, 240), container={"movflags": "+faststart"}))
    with av.open(str(path)) as file:
        first = next(packet for packet in file.demux(video=0) if packet.is_keyframe)
        start, size = first.pos or 0, first.size
    content = bytearray(path.read_bytes())
    content[start + size - 400 : start + size - 200] = b"\xff" * 200
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"a\.mp4: holds \d+ frames? instead of 12 \(.+\); run again"):
        check_written_video(path, 12)


def test_a_damaged_frame_between_key_frames_is_found(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made(size_px=(320, 240), container={"movflags": "+faststart"}))
    with av.open(str(path)) as file:
        later = [packet for packet in file.demux(video=0) if packet.size and not packet.is_keyframe]
        start, size = later[2].pos or 0, later[2].size
    content = bytearray(path.read_bytes())
    content[start : start + size] = b"\xff" * size
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"a\.mp4: holds \d+ frames? instead of 12"):
        check_written_video(path, 12)


@pytest.fixture(scope="module", params=["x264", "x265", "av1", "prores"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PacketList]:
    """A file of 40 frames, and the packets that its encoder gave."""
    folder = tmp_path_factory.mktemp("written")
    source = make(folder / "a.mp4", Made(size_px=(128, 96), ticks=range(0, 40 * 512, 512)))
    clip, _ = read(source)
    crf, preset = {"av1": (28, "10"), "prores": (None, "lt")}.get(request.param, (18, "veryfast"))
    path = folder / ("out.mov" if request.param == "prores" else "out.mp4")
    with video_writer_for(path, clip, crf=crf, preset=preset, codec=request.param) as writer:
        for frame in read_frames(source, clip):
            writer.write(frame.planes, frame.pts, frame.duration)
    return path, writer.written


def changed(path: Path, to: Path, packet: int, byte: int) -> Path:
    """A copy of ``path`` in which one bit of one byte of a packet differs."""
    with av.open(str(path)) as file:
        place = [coded.pos or 0 for coded in file.demux(video=0) if coded.size][packet] + byte
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    to.write_bytes(content)
    return to


@pytest.mark.parametrize("every_frame", [False, True])
@pytest.mark.parametrize(("packet", "byte"), [(0, -1), (7, 12), (39, 15)])
def test_one_changed_bit_is_found(
    tmp_path: Path, written: tuple[Path, PacketList], packet: int, byte: int, every_frame: bool
) -> None:
    path, packets = written
    check_written_video(path, 40, packets, every_frame=every_frame)
    with av.open(str(path)) as file:
        size = [coded.size for coded in file.demux(video=0) if coded.size][packet]
    bad = changed(path, tmp_path / path.name, packet, min(byte % size, size - 1))
    with pytest.raises(OutputError, match="run again"):
        check_written_video(bad, 40, packets, every_frame=every_frame)


def test_a_frame_too_few_is_found_without_decoding_all(written: tuple[Path, PacketList]) -> None:
    path, packets = written
    with pytest.raises(OutputError, match="holds 40 frames instead of 41"):
        check_written_video(path, 41, packets, every_frame=False)


def test_packets_in_another_order_or_at_other_times_are_found(written: tuple[Path, PacketList]) -> None:
    path, packets = written
    for swapped in ("pts", "digests"):
        other = PacketList(packets.time_base, packets.pts[:], packets.digests[:])
        numbers = getattr(other, swapped)
        numbers[20], numbers[21] = numbers[21], numbers[20]
        with pytest.raises(OutputError, match="frame 20 is not the one that was written"):
            check_written_video(path, 40, other, every_frame=False)
