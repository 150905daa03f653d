"""Frames may carry side data of a kind that PyAV has no name for."""

import struct
from pathlib import Path

import av
import pytest

from tasks.media.input.frames import read_frames
from tasks.media.input.probe import probe_shape
from tests.support.clips import Made, make
from tests.support.rewrite_clip import rewrite

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
