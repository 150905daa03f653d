"""Videos of 10 bits, of 4:4:4, of HDR, of Dolby Vision and with opacity: stills look right, and files can be played."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from conf.config import Config
from tasks.decode import decode
from tasks.media.output.alpha_writer import AlphaWriter
from tasks.media.output.output_file import PictureStream
from tasks.media.output.png_zip import PngZipWriter
from tasks.media.output.video_writer import VideoWriter
from tasks.media.planes.layout import nearest_layout
from tasks.media.planes.tone_map import HLG, PQ
from tasks.media.report.render_samples import write_kymograph
from tasks.records import ColorTags
from tasks.requests import DecodeRequest
from tests.support.clips import Made, make, planes
from tests.support.pictures import read_picture

SIZE_PX = (64, 48)
HDR_WHITE = {PQ: 594, HLG: 721}  # of 203 cd/m2, as a sample of 10 bits and limited range (ITU-R BT.2408)


def notes(path: Path, folder: Path) -> list[str]:
    folder.mkdir()
    found: list[str] = decode(DecodeRequest(path, "", Config().decode), folder, lambda _: None)["notes"]
    return found


def pictures(pixel_format: str) -> PictureStream:
    return PictureStream(SIZE_PX, nearest_layout(pixel_format), Fraction(1, 30), Fraction(30), ColorTags(), Fraction(1))


def written(path: Path, pixel_format: str, codec: str = "auto") -> list[str]:
    """Write three pictures with the default quality; the notes."""
    with VideoWriter(path, pictures(pixel_format), crf=18, preset="veryfast", codec=codec) as sink:
        for index in range(3):
            sink.write(planes(index, SIZE_PX, pixel_format), index, 1)
    return sink.notes


@pytest.mark.parametrize(
    ("pixel_format", "coded", "tag"),
    [("yuv420p", ("h264", "yuv420p"), "avc1"), ("yuv420p10le", ("hevc", "yuv420p10le"), "hvc1")],
)
def test_auto_keeps_the_depth_in_a_codec_that_players_show(
    tmp_path: Path, pixel_format: str, coded: tuple[str, str], tag: str
) -> None:
    assert written(tmp_path / "out.mp4", pixel_format) == []
    with av.open(str(tmp_path / "out.mp4")) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.name, codec.pix_fmt) == coded and codec.codec_tag == tag


@pytest.mark.parametrize(
    ("pixel_format", "codec", "kind", "cure"),
    [
        ("yuv444p", "auto", "H.264 4:4:4 of 8 bits", "encode=av1"),
        ("yuv422p10le", "auto", "H.265 4:2:2 of 10 bits", "encode=av1"),
        ("yuv420p10le", "x264", "H.264 4:2:0 of 10 bits", "encode=auto"),
    ],
)
def test_a_file_that_many_players_refuse_says_which_and_names_a_cure(
    tmp_path: Path, pixel_format: str, codec: str, kind: str, cure: str
) -> None:
    (note,) = written(tmp_path / "out.mp4", pixel_format, codec)
    assert note.startswith(f"the video is {kind}: browsers, phones and QuickTime do not play it") and cure in note
    if cure == "encode=av1":
        with av.open(str(tmp_path / "out.mp4")) as container:
            assert container.streams.video[0].codec_context.pix_fmt == pixel_format  # nothing is lost


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_stills_of_hdr_are_tone_mapped(tmp_path: Path, transfer: int) -> None:
    color = ColorTags(range=1, primaries=9, transfer=transfer, matrix=9)
    layout = nearest_layout("yuv420p10le")
    white = tuple(np.full((4, 4), value, np.uint16) for value in (HDR_WHITE[transfer], 512, 512))
    line = tuple(np.full(240, int(plane[0, 0]), np.uint16) for plane in white)
    write_kymograph(tmp_path / "k.jpg", tuple(np.stack([samples] * 16, axis=1) for samples in line), layout, color)
    assert int(read_picture(tmp_path / "k.jpg").min()) > 220
    with PngZipWriter(tmp_path / "p.zip", layout, color) as archive:
        archive.write(white, np.ones((4, 4), np.float32), 0, 1)
    assert len(archive.notes) == 1 and "tone-mapped" in archive.notes[0]


def dolby_vision(path: Path, profile: int, compatibility: int) -> Path:
    """An H.265 file whose sample entry says that it is Dolby Vision."""
    plain = make(path, Made(codec="libx265", options={"x265-params": "log-level=none", "pools": "1"})).read_bytes()
    flags = profile << 9 | 6 << 3 | 0b101  # level 6; with metadata, without a second layer, with a base layer
    record = bytes([1, 0]) + flags.to_bytes(2, "big") + bytes([compatibility << 4]) + bytes(19)
    box = (8 + len(record)).to_bytes(4, "big") + b"dvcC" + record
    entry = plain.index(b"hev1" if b"hev1" in plain else b"hvc1") - 4
    size = int.from_bytes(plain[entry : entry + 4], "big")
    made = bytearray(plain[: entry + size] + box + plain[entry + size :])
    for name in (
        b"moov",
        b"trak",
        b"mdia",
        b"minf",
        b"stbl",
        b"stsd",
    ):  # those around it, in a file that ends with moov
        at = plain.rindex(name, 0, entry) - 4
        made[at : at + 4] = (int.from_bytes(plain[at : at + 4], "big") + len(box)).to_bytes(4, "big")
    made[entry : entry + 4] = (size + len(box)).to_bytes(4, "big")
    path.write_bytes(made)
    return path


def test_dolby_vision_is_named(tmp_path: Path) -> None:
    (five,) = notes(dolby_vision(tmp_path / "five.mp4", 5, 0), tmp_path / "a")
    assert "Dolby Vision profile 5" in five and "export the video as HDR10, HLG or SDR first" in five
    (eight,) = notes(dolby_vision(tmp_path / "eight.mp4", 8, 4), tmp_path / "b")
    assert "profile 8.4" in eight


def test_the_opacity_of_vp9_is_named(tmp_path: Path) -> None:
    with AlphaWriter(tmp_path / "clear.webm", "webm", pictures("yuv420p")) as sink:
        for index in range(3):
            sink.write(planes(index, SIZE_PX, "yuv420p"), np.full((48, 64), 0.5, np.float32), index, 1)
    (note,) = notes(tmp_path / "clear.webm", tmp_path / "a")
    assert note.startswith("the video is partly transparent: its alpha channel is ignored")
