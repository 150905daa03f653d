"""Sound is copied packet by packet at its own times. What cannot be copied is re-encoded or noted, never fatal."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tasks.media.input.frames import read_frames
from tasks.media.output.written_check import check_written_video
from tests.support.clips import RATE_HZ, Made, make
from tests.support.rewrite_clip import read, rewrite, sound_packets, video_writer_for


def samples(path: Path) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Start in seconds and samples of the first sound track."""
    with av.open(str(path)) as file:
        sounds = list(file.decode(audio=0))
    assert sounds[0].pts is not None
    assert sounds[0].time_base is not None
    joined = np.concatenate([sound.to_ndarray()[0].astype(np.float32) for sound in sounds])
    peak = np.float32(1 if sounds[0].format.name.startswith("flt") else 2**15)
    return float(sounds[0].pts * sounds[0].time_base), np.divide(joined, peak, dtype=np.float32)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("tones", [["aac"], ["aac", "ac3"], ["libmp3lame"], ["flac"], ["alac"]])
def test_every_track_is_copied_byte_for_byte(tmp_path: Path, name: str, tones: list[str]) -> None:
    source = make(tmp_path / name, Made(tones=tones, ticks=range(0, 40 * 512, 512)))
    _, _, notes = rewrite(source, tmp_path / "out.mp4")
    before, after = sound_packets(source), sound_packets(tmp_path / "out.mp4")
    assert len(after) == len(tones)
    for old, new in zip(before, after, strict=True):
        assert [content for _, content in old] == [content for _, content in new]
        late = [abs(was - now) for (was, _), (now, _) in zip(old, new, strict=True)]
        assert max(late) <= (Fraction(1, 1000) if name == "a.mkv" else 0)
    assert notes == []


def test_sound_and_picture_keep_their_offset(tmp_path: Path) -> None:
    made = Made(ticks=range(30720, 30720 + 40 * 512, 512), tones=["aac"], tone_start_s=Fraction(3, 2))
    source = make(tmp_path / "a.mp4", made)
    _, table, _ = rewrite(source, tmp_path / "out.mp4")
    assert sound_packets(source) == sound_packets(tmp_path / "out.mp4")
    assert read(tmp_path / "out.mp4")[1].pts.tolist() == table.pts.tolist()


def test_sound_is_interleaved_with_its_pictures(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made(ticks=range(0, 150 * 512, 512), tones=["aac"]))
    rewrite(source, tmp_path / "out.mp4", preset="ultrafast")
    with av.open(str(tmp_path / "out.mp4")) as file:
        placed = sorted(
            (packet.pos or 0, packet.dts * packet.time_base, packet.stream.type)
            for packet in file.demux()
            if packet.dts is not None and packet.size
        )
    latest = {"video": Fraction(0), "audio": Fraction(0)}
    for _, time_s, kind in placed:
        latest[kind] = time_s
        assert abs(latest["video"] - latest["audio"]) < Fraction(3, 2)


@pytest.mark.parametrize(("name", "codec"), [("a.mov", "pcm_s16le"), ("a.mkv", "pcm_s24le"), ("a.avi", "adpcm_ms")])
def test_sound_that_mp4_cannot_store_is_encoded_and_noted(tmp_path: Path, name: str, codec: str) -> None:
    source = make(tmp_path / name, Made(tones=["ac3", codec], ticks=range(60), last_ticks=1, time_base=Fraction(1, 30)))
    _, _, notes = rewrite(source, tmp_path / "out.mp4")
    assert notes == [f"sound track 2 was re-encoded from {codec} to AAC, as MP4 needs"]
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert [stream.codec_context.name for stream in file.streams.audio] == ["ac3", "aac"]


@pytest.mark.parametrize("start_s", [Fraction(0), Fraction(1, 4)])
def test_encoded_sound_is_the_same_sound_at_the_same_time(tmp_path: Path, start_s: Fraction) -> None:
    made = Made(tones=["pcm_s16le"], ticks=range(0, 60 * 512, 512), tone_start_s=start_s)
    source = make(tmp_path / "a.mkv", made)
    rewrite(source, tmp_path / "out.mp4")
    (start_in, wave_in), (start_out, wave_out) = samples(source), samples(tmp_path / "out.mp4")
    shift = round((start_in - start_out) * RATE_HZ)
    assert abs(shift) <= RATE_HZ // 30
    aligned = wave_out[max(0, shift) :][: len(wave_in)]
    middle = slice(4096, min(len(aligned), len(wave_in)) - 4096)
    assert np.corrcoef(aligned[middle], wave_in[middle])[0, 1] > 0.99


def test_an_unknown_codec_costs_only_its_track(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", Made(tones=["pcm_s16le", "aac"]))
    source.write_bytes(source.read_bytes().replace(b"A_PCM/INT/LIT", b"A_XYZ/INT/LIT"))
    clip, _, notes = rewrite(source, tmp_path / "out.mp4")
    assert notes == ["sound track 1 was left out: its codec is unknown"]
    check_written_video(tmp_path / "out.mp4", clip.frames)
    assert len(sound_packets(tmp_path / "out.mp4")) == 1


@pytest.mark.parametrize("place", [lambda path: path.write_bytes(b"no video"), os.mkfifo], ids=["text", "pipe"])
def test_sound_that_cannot_be_opened_does_not_cost_the_video(tmp_path: Path, place: Callable[[Path], object]) -> None:
    source = make(tmp_path / "a.mp4", Made())
    clip, _ = read(source)
    place(tmp_path / "b.mp4")
    with video_writer_for(tmp_path / "out.mp4", clip, sound=tmp_path / "b.mp4") as writer:
        for frame in read_frames(source, clip):
            writer.write(frame.planes, frame.pts, frame.duration)
    assert len(writer.notes) == 1
    assert writer.notes[0].startswith("the sound was left out: ")
    check_written_video(tmp_path / "out.mp4", clip.frames)


def test_sound_that_breaks_off_does_not_cost_the_video(tmp_path: Path) -> None:
    source = tmp_path / "cut.mp4"
    whole = make(
        tmp_path / "a.mp4", Made(tones=["aac"], ticks=range(0, 90 * 512, 512), container={"movflags": "+faststart"})
    )
    content = whole.read_bytes()
    source.write_bytes(content[: len(content) * 7 // 10])
    clip, _, _ = rewrite(source, tmp_path / "out.mp4")
    assert clip.broken
    check_written_video(tmp_path / "out.mp4", clip.frames)
    (before,), (after,) = sound_packets(whole), sound_packets(tmp_path / "out.mp4")
    assert 0 < len(after) < len(before)
    assert [content for _, content in after[:-1]] == [content for _, content in before[: len(after) - 1]]


def test_data_tracks_are_not_copied(videos: Path, tmp_path: Path) -> None:
    _, _, notes = rewrite(videos / "phone_rotated_printed_figure.mov", tmp_path / "out.mp4", crf=45, preset="ultrafast")
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]
    (note,) = notes
    assert note.startswith("2 data tracks, ") and note.endswith(" are not in the output")
