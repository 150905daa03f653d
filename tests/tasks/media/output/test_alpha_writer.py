"""Videos with opacity, and the zip of PNG files: colours, opacity, times and sound are kept."""

import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.output.alpha_writer import AlphaWriter
from tasks.media.output.audio_clock import SoundSource
from tasks.media.output.output_file import PictureStream
from tasks.media.output.png_zip import PngZipWriter, check_written_zip
from tasks.media.output.written_check import check_written_video
from tasks.media.planes.layout import nearest_layout, planes_to_rgb, with_finer_chroma
from tasks.media.planes.warp import upsample_chroma
from tasks.records import ColorTags
from tests.support.clips import Made, make, planes
from tests.support.pictures import decode_picture

SIZE = (64, 48)
COLOR = ColorTags(range=1, primaries=1, transfer=1, matrix=1)


def ramp(index: int) -> NDArray[np.float32]:
    return np.tile(np.clip(np.linspace(-0.2, 1.2, 64) + 0.01 * index, 0, 1), (48, 1)).astype(np.float32)


def write(path: Path, coding: str, pixel_format: str, sound: Path | None = None, stop: bool = False) -> AlphaWriter:
    layout = nearest_layout(pixel_format)
    writer = AlphaWriter(
        path,
        coding,
        PictureStream(SIZE, layout, Fraction(1, 15360), Fraction(30), COLOR, Fraction(1)),
        sound=None if sound is None else SoundSource(sound),
    )
    with writer:
        for index in range(12):
            writer.write(planes(index, SIZE, pixel_format), ramp(index), 512 * index, 512)
            if stop and index == 5:
                raise KeyboardInterrupt
    return writer


def read(path: Path) -> list[NDArray[Any]]:
    """RGBA frames, by the decoder that returns opacity."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        name = {"vp9": "libvpx-vp9"}.get(stream.codec_context.name, stream.codec_context.name)
        decoder = stream.codec_context if name == "prores" else av.CodecContext.create(name, "r")
        frames = [frame for packet in container.demux(stream) for frame in decoder.decode(packet)]  # type: ignore[attr-defined]
        return [frame.to_ndarray(format="rgba") for frame in frames]


@pytest.mark.parametrize("coding", ["webm", "mov"])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv444p", "gray", "gray10le", "gbrp"])
def test_colors_and_opacity_are_kept(tmp_path: Path, coding: str, pixel_format: str) -> None:
    path = tmp_path / f"person.{coding}"
    writer = write(path, coding, pixel_format)
    check_written_video(path, 12, writer.written)
    check_written_video(path, 12, writer.written, every_frame=False)
    found = read(path)
    assert len(found) == 12
    for index, rgba in enumerate(found):
        assert np.abs(rgba[..., 3] - 255 * ramp(index)).max() <= 12
        truth = planes_to_rgb(planes(index, SIZE, pixel_format), nearest_layout(pixel_format), COLOR).astype(int)
        assert np.abs(rgba[..., :3] - truth).mean() <= 4


@pytest.mark.parametrize(
    ("coding", "codec", "carried"),
    [("webm", "aac", "opus"), ("webm", "libopus", "opus"), ("mov", "aac", "aac"), ("mov", "pcm_s16le", "pcm_s16le")],
)
def test_sound_is_stored_as_the_container_needs_it(tmp_path: Path, coding: str, codec: str, carried: str) -> None:
    source = make(tmp_path / ("in.mov" if codec.startswith("pcm") else "in.mp4"), Made(tones=(codec,)))
    path = tmp_path / f"person.{coding}"
    notes = write(path, coding, "yuv420p", source).notes
    assert len(notes) == (coding == "webm" and codec == "aac")
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name in {carried, f"lib{carried}"}
        seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert seconds == pytest.approx(0.4, abs=0.06)


def test_times_are_kept(tmp_path: Path) -> None:
    for coding in ("webm", "mov"):
        write(tmp_path / f"p.{coding}", coding, "yuv420p")
        with av.open(str(tmp_path / f"p.{coding}")) as container:
            times = [float(frame.time or 0) for frame in container.decode(video=0)]
        assert times == pytest.approx([index / 30 for index in range(12)], abs=0.00051)


@pytest.mark.parametrize("coding", ["webm", "mov"])
def test_an_exception_leaves_no_file_and_a_missing_folder_is_one_sentence(tmp_path: Path, coding: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "p", coding, "yuv420p", stop=True)
    assert not (tmp_path / "p").exists()
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "nowhere" / "p", coding, "yuv420p")


@pytest.mark.parametrize("coding", ["webm", "mov"])
def test_the_same_pictures_give_the_same_bytes(tmp_path: Path, coding: str) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, coding, "yuv420p")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_full_range_becomes_limited_range_in_prores(tmp_path: Path) -> None:
    path = tmp_path / "full.mov"
    color = ColorTags(range=2, primaries=1, transfer=1, matrix=1)
    layout = nearest_layout("yuv420p")
    writer = AlphaWriter(path, "mov", PictureStream(SIZE, layout, Fraction(1, 30), Fraction(30), color, Fraction(1)))
    gray = (np.full((48, 64), 255, np.uint8), *[np.full((24, 32), 128, np.uint8)] * 2)
    with writer:
        writer.write(gray, np.ones((48, 64), np.float32), 0, 1)
    assert writer.notes == ["full range was written as limited range, as players expect of ProRes"]
    assert read(path)[0].min() >= 254


def test_a_zip_holds_one_png_per_frame(tmp_path: Path) -> None:
    layout = nearest_layout("yuv420p")
    for name in ("a.zip", "b.zip"):
        with PngZipWriter(tmp_path / name, layout, COLOR) as writer:
            for index in range(3):
                writer.write(planes(index, SIZE, "yuv420p"), ramp(index), 512 * index, 512)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    check_written_zip(tmp_path / "a.zip", 3)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["person/000000.png", "person/000001.png", "person/000002.png"]
        bgra = decode_picture(archive.read("person/000001.png"))
    np.testing.assert_array_equal(bgra[..., 3], np.rint(255 * ramp(1)))
    fine = with_finer_chroma(layout, nearest_layout("yuv444p"))
    colours = planes_to_rgb(upsample_chroma(planes(1, SIZE, "yuv420p"), layout, fine, SIZE, 0), fine, COLOR)
    np.testing.assert_array_equal(bgra[..., 2::-1], colours)


def test_a_damaged_or_short_zip_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with PngZipWriter(path, nearest_layout("yuv420p"), COLOR) as writer:
        writer.write(planes(0, SIZE, "yuv420p"), ramp(0), 0, 512)
    with pytest.raises(OutputError, match="holds 1 picture instead of 2"):
        check_written_zip(path, 2)
    damaged = bytearray(path.read_bytes())
    damaged[300] ^= 255
    path.write_bytes(damaged)
    with pytest.raises(OutputError):
        check_written_zip(path, 1)


def test_an_exception_leaves_no_zip(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), PngZipWriter(tmp_path / "a.zip", nearest_layout("yuv420p"), COLOR):
        raise KeyboardInterrupt
    assert not (tmp_path / "a.zip").exists()


def test_prores_of_an_odd_width_is_refused_with_a_cure(tmp_path: Path) -> None:
    layout = nearest_layout("yuv420p")
    pictures = PictureStream((321, 240), layout, Fraction(1, 15360), Fraction(30), COLOR, Fraction(1))
    with pytest.raises(OutputError, match=r"needs an even width, not 321x240; choose background\.alpha=webm or png"):
        AlphaWriter(tmp_path / "person.mov", "mov", pictures)
    assert list(tmp_path.iterdir()) == []
