"""Text tags of a video may be in any encoding, and frames may carry side data that PyAV has no name for."""

import struct
from pathlib import Path

import av
import pytest

from tasks.media.input.frames import read_frames
from tasks.media.input.probe import probe_length, probe_shape
from tasks.media.output.written_check import check_written_video
from tests.support.clips import Made, make
from tests.support.rewrite_clip import rewrite, sound_packets

TITLE = "ABCDEFGH"
NOT_UTF_8 = b"ABC\xfe\xffFGH"


def tagged(path: Path) -> Path:
    """A video whose file, video stream and sound stream have a title that is not UTF-8."""
    plain = make(path.with_name("plain.mp4"), Made(tones=["aac"]))
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        target.metadata["title"] = TITLE
        added = [target.add_stream_from_template(stream) for stream in source.streams]
        for stream in added:
            stream.metadata.update({"title": TITLE, "handler_name": TITLE})
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = added[packet.stream.index]
                target.mux(packet)
    content = path.read_bytes()
    assert TITLE.encode() in content
    path.write_bytes(content.replace(TITLE.encode(), NOT_UTF_8))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.ts"])
def test_a_title_that_is_not_utf_8_opens_everywhere(tmp_path: Path, name: str) -> None:
    source, target = tagged(tmp_path / name), tmp_path / "out.mp4"
    assert probe_shape(source)[0] == (64, 48)
    probe_length(source)
    clip, _, notes = rewrite(source, target)
    assert (clip.frames, len(clip.sound), notes) == (12, 1, [])
    assert len(list(read_frames(source, clip))) == 12
    assert len(sound_packets(target)) == 1
    check_written_video(source, 12)
    check_written_video(target, 12)


def test_tags_that_are_not_utf_8_do_not_hide_the_colour_tags(tmp_path: Path) -> None:
    """The chroma location is read from FFmpeg's description of the file, which contains the tags."""
    clip, _, _ = rewrite(tagged(tmp_path / "a.mp4"), tmp_path / "out.mp4")
    plain, _, _ = rewrite(tmp_path / "plain.mp4", tmp_path / "plain_out.mp4")
    assert clip.color == plain.color
    assert plain.color.chroma_location == 1


ORIENTATION_TAG, SHORT = 0x0112, 3  # of TIFF 6.0, which EXIF uses


def exif(orientation: int) -> bytes:
    """The JPEG segment (APP1) with an EXIF orientation."""
    entry = struct.pack("<HHIHH", ORIENTATION_TAG, SHORT, 1, orientation, 0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
    content = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def phone_mjpeg(path: Path, orientation: int) -> Path:
    """Motion JPEG in which every picture has EXIF data."""
    made = Made(codec="mjpeg", options={}, pixel_format="yuvj420p", ticks=range(0, 12 * 512, 512))
    plain = make(path.with_name("plain.mov"), made)
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        added = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is None:
                continue
            jpeg = bytes(packet)
            copy = av.Packet(jpeg[:2] + exif(orientation) + jpeg[2:])
            copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
            copy.time_base, copy.is_keyframe, copy.stream = packet.time_base, True, added
            target.mux(copy)
    return path


@pytest.mark.parametrize(("orientation", "rotation_deg", "mirrored"), [(1, 0, False), (6, 90, False), (2, 0, True)])
def test_exif_data_is_ignored_but_for_its_orientation(
    tmp_path: Path, orientation: int, rotation_deg: int, mirrored: bool
) -> None:
    source = phone_mjpeg(tmp_path / "a.mov", orientation)
    clip, _, notes = rewrite(source, tmp_path / "out.mp4")
    assert (clip.frames, clip.rotation_deg, clip.mirrored, notes) == (12, rotation_deg, mirrored, [])
    assert probe_shape(source)[0] == clip.size_px == ((48, 64) if rotation_deg else (64, 48))
    assert len(list(read_frames(source, clip))) == 12
