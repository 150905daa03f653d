"""A file that cannot be opened gives one sentence. Timestamps become strictly increasing."""

import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from tasks.errors import VideoError
from tasks.media.input.probe import probe_shape, scan_video
from tasks.media.input.video_reader import TimestampRepair, open_container
from tests.support.clips import Made, make

# With its log on, FFmpeg's threads write lines at any time. Here it is on throughout; a run has it on for moments.
OPENS_OFTEN = """
import sys
from pathlib import Path

import av.logging

from tasks.media.input.video_reader import DecodeStats, decode_frames, open_video

av.logging.set_level(av.logging.DEBUG)
av.logging.set_libav_level(av.logging.DEBUG)
for _ in range(100):
    with open_video(Path(sys.argv[1])) as (container, stream):
        next(decode_frames(container, stream, DecodeStats()))
"""


def wav(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def with_cover(path: Path) -> None:
    """Sound and a cover picture, which FFmpeg lists as a video stream."""
    picture = make(path.with_suffix(".mjpeg.mov"), Made(ticks=[0], codec="mjpeg", options={}, pixel_format="yuvj420p"))
    with av.open(str(picture)) as file:
        jpeg = next(bytes(packet) for packet in file.demux(video=0) if packet.size)
    wav(path.with_suffix(".wav"))
    with av.open(str(path), "w", format="matroska") as container, av.open(str(path.with_suffix(".wav"))) as source:
        sound = container.add_stream_from_template(source.streams.audio[0])
        container.add_attachment("cover.jpg", "image/jpeg", jpeg)
        for packet in source.demux(audio=0):
            if packet.size:
                packet.stream = sound
                container.mux(packet)


def undecodable(path: Path) -> None:
    """A valid container around a stream that cannot be decoded."""
    make(path, Made())
    content = bytearray(path.read_bytes())
    at = content.index(b"mdat") + 4
    moov = content.index(b"moov")
    content[at : moov - 4] = bytes(moov - 4 - at)
    path.write_bytes(content)


def png(path: Path) -> None:
    make(path.with_suffix(".mov"), Made(ticks=[0], codec="png", options={}, pixel_format="rgb24"))
    with av.open(str(path.with_suffix(".mov"))) as file:
        path.write_bytes(next(bytes(packet) for packet in file.demux(video=0) if packet.size))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "empty.mp4": (lambda path: path.touch(), "is empty"),
    "notes.txt": (lambda path: path.write_text("walk this way\n" * 50), "is a text file"),
    "notes.mp4": (lambda path: path.write_text("walk this way\n" * 50), "is not a video that can be read"),
    "zeros.mp4": (lambda path: path.write_bytes(bytes(5000)), "is not a video that can be read"),
    "still.png": (png, "is a picture, not a video"),
    "sound.wav": (wav, r"has no video stream \(only audio\)"),
    "cover.mkv": (with_cover, "has no video stream"),
    "rubbish.mp4": (undecodable, "it has 12 video packets, and none could be decoded"),
    "missing.mp4": (lambda path: None, "no such file; check the name"),
    "list.m3u8": (lambda path: path.write_text("#EXTM3U\nhttp://localhost/a.ts\n"), "is not a video that can be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_unreadable_file_gives_one_sentence_from_both_readers(tmp_path: Path, name: str) -> None:
    spoil, fact = BAD[name]
    spoil(tmp_path / name)
    for read in (probe_shape, lambda path: scan_video(path, "digest", lambda done: None)):
        with pytest.raises(VideoError, match=fact) as caught:
            read(tmp_path / name)
        text = str(caught.value)
        assert str(tmp_path / name) in text
        assert ";" in text
        assert "\n" not in text


def test_a_decoder_whose_threads_write_to_the_log_can_be_closed(tmp_path: Path) -> None:
    clip = make(tmp_path / "a.mp4", Made())
    # A process of its own: one that hangs can only be killed.
    subprocess.run([sys.executable, "-c", OPENS_OFTEN, str(clip)], check=True, capture_output=True, timeout=60)


def test_a_file_without_read_permission_gives_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.mp4", Made())

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # simulated, because root may read everything
    with pytest.raises(VideoError, match=r"cannot be opened \(Permission denied\); check its permissions"):
        probe_shape(path)[0]


def test_a_pipe_that_has_taken_the_place_of_a_video_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match=r"a\.mp4: is not a regular file; give a video file"):
        open_container(tmp_path / "a.mp4")


def test_a_file_name_with_a_colon_is_not_taken_for_a_protocol(tmp_path: Path) -> None:
    assert probe_shape(make(tmp_path / "10:30 walk, a%b.mp4", Made()))[0] == (64, 48)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([0, 10, 20, 30], [0, 10, 20, 30]),
        ([500, 510, 900], [500, 510, 900]),
        ([-20, -10, 0], [-20, -10, 0]),
        ([None, None, 20], [0, 10, 20]),
        ([0, 10, 10, 20], [0, 10, 11, 20]),
        ([0, 10, 8, 20], [0, 10, 11, 20]),
        ([0, 10, None, 30], [0, 10, 20, 30]),
        ([90, 100, 0, 10, 20], [90, 100, 110, 120, 130]),
    ],
)
def test_timestamps_are_repaired_by_one_rule(stored: list[int | None], expected: list[int]) -> None:
    repair = TimestampRepair(nominal_ticks=10)
    assert [repair.next(pts, 10) for pts in stored] == expected


def test_missing_timestamps_before_zero_count_up_from_the_start() -> None:
    repair = TimestampRepair(nominal_ticks=33, first_pts=-100)
    assert [repair.next(pts, 33) for pts in (None, None, None, 0, 33)] == [-100, -67, -34, 0, 33]


def test_random_timestamps_become_strictly_increasing() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        repair = TimestampRepair(nominal_ticks=int(random.integers(1, 40)))
        wild = [None if value > 90 else int(value) for value in random.integers(-100, 100, 60)]
        assert np.diff([repair.next(pts, int(random.integers(0, 30))) for pts in wild]).min() >= 1


@pytest.mark.parametrize("options", [{"bf": "2"}, {"bf": "0"}])
def test_an_avi_file_which_stores_decoding_times_only_keeps_its_rate(tmp_path: Path, options: dict[str, str]) -> None:
    made = Made(ticks=range(40), last_ticks=1, time_base=Fraction(1, 30), options={"threads": "1", **options})
    clip, table = scan_video(make(tmp_path / "a.avi", made), "digest", lambda done: None)
    assert table.pts.tolist() == list(range(40))
    assert (clip.rate_hz, clip.variable_rate) == ("30", False)
