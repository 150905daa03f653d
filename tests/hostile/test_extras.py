"""Files with more than a picture and its sound: which video track is taken, what is kept, what is left out."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from tasks.media.input.probe import probe_shape, scan_video
from tasks.media.output.alpha_writer import AlphaWriter
from tasks.media.output.audio_clock import SoundSource
from tasks.media.output.output_file import PictureStream
from tasks.media.output.video_writer import VideoWriter
from tasks.media.planes.layout import nearest_layout
from tasks.records import ColorTags
from tests.support.clips import planes

RATE = Fraction(30)
FRAMES = 30
MOVING, STILL, SLIDE = "moving", "still", "slide"
TAGS = {
    "title": "Gänge",
    "creation_time": "2024-05-06T07:08:09.000000Z",
    "date": "2024-05-06",
    "location": "+48.1000+011.5000/",
    "comment": "of no use",
}
CHAPTERS = [("one", 0, 400), ("two", 400, 1000)]


def write(
    path: Path, *tracks: str, tags: dict[str, str] | None = None, chapters: bool = False, timecode: str = ""
) -> Path:
    """A video with a track, 64 px wide, for each of ``tracks``; each is 16 px higher than the one before."""
    with av.open(str(path), "w") as container:
        container.metadata.update(tags or {})
        streams = []
        for number, _ in enumerate(tracks):
            stream = container.add_stream("libx264", rate=RATE, options={"crf": "20", "threads": "1"})
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 48 + 16 * number, "yuv420p"
            stream.metadata["language"] = "deu"
            if timecode:
                stream.metadata["timecode"] = timecode
            streams.append(stream)
        if chapters:
            container.set_chapters(
                [
                    {"id": n, "start": begin, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                    for n, (title, begin, end) in enumerate(CHAPTERS)
                ]
            )
        for index in range(FRAMES):
            for stream, kind in zip(streams, tracks, strict=True):
                if kind == SLIDE and index:
                    continue
                y, x = np.mgrid[: stream.height, :64]
                shift = 3 * index if kind == MOVING else 0
                noise = np.random.default_rng(index).integers(0, 3, (stream.height, 64))  # of a camera
                gray = (((x + shift) // 8 + y // 8) % 2 * 180 + 30 + noise).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(np.repeat(gray[..., None], 3, axis=2), format="rgb24")
                frame.pts, frame.time_base = index, 1 / RATE
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("tracks", "height_px"),
    [
        ((MOVING, STILL), 48),
        ((STILL, MOVING), 64),
        ((SLIDE, MOVING), 64),
        ((SLIDE, STILL, MOVING), 80),
        ((MOVING, MOVING), 48),
        ((STILL, STILL), 48),
    ],
)
@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_of_several_video_tracks_the_moving_one_is_taken_whichever_is_first(
    tmp_path: Path, tracks: tuple[str, ...], height_px: int, container: str
) -> None:
    path = write(tmp_path / f"walk.{container}", *tracks)
    clip, _ = scan_video(path, "", lambda _: None)
    assert (clip.height_px, clip.frames) == (height_px, FRAMES)
    assert probe_shape(path)[0] == (64, height_px)


def written(source: Path, target: Path, part: SoundSource | None = None) -> list[str]:
    """Write an output of two frames with what is kept of ``source``, or of a ``part`` of it; its notes."""
    layout = nearest_layout("yuv420p")
    stream = PictureStream((64, 48), layout, Fraction(1, 30), RATE, ColorTags(), Fraction(1))
    sound = part or SoundSource(source, rate=RATE)
    shown = [planes(index, (64, 48), "yuv420p") for index in range(2)]
    if target.suffix == ".webm":
        with AlphaWriter(target, "webm", stream, sound=sound) as alpha_sink:
            for index, picture in enumerate(shown):
                alpha_sink.write(picture, np.ones((48, 64), np.float32), index * 15, 15)
        return alpha_sink.notes
    preset, codec = ("proxy", "prores") if target.suffix == ".mov" else ("veryfast", "x264")
    crf = None if codec == "prores" else 18
    with VideoWriter(target, stream, crf=crf, preset=preset, codec=codec, sound=sound) as sink:
        for index, picture in enumerate(shown):
            sink.write(picture, index * 15, 15)
    return sink.notes


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.webm"])
def test_chapters_date_title_and_language_are_kept_and_the_rest_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    source = write(tmp_path / "walk.mkv", MOVING, STILL, tags=TAGS, chapters=True)
    notes = written(source, tmp_path / name)
    with av.open(str(tmp_path / name)) as made:
        tags = {key.lower(): value for key, value in made.metadata.items()}
        chapters = [(one["metadata"]["title"], one["start"] * (one["time_base"] or 0)) for one in made.chapters()]
        language = made.streams.video[0].metadata.get("language")
    assert (tags["title"], tags["date"], tags["creation_time"]) == (TAGS["title"], TAGS["date"], TAGS["creation_time"])
    assert "location" not in tags and "comment" not in tags
    assert chapters == [("one", 0), ("two", Fraction(2, 5))]
    assert name.endswith("mov") or language == "deu"  # QuickTime has other codes
    left_out = [note for note in notes if "not in the output" in note]
    assert left_out == ["1 other video track, the place and 1 other text tag of the file are not in the output"]


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.webm"])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_the_timecode_is_kept_and_its_track_is_not_said_to_be_left_out(tmp_path: Path, suffix: str, name: str) -> None:
    source = write(tmp_path / f"walk.{suffix}", MOVING, timecode="10:00:00:00")
    assert written(source, tmp_path / name) == []
    assert timecode_of(tmp_path / name) == "10:00:00:00"


def test_a_part_of_a_file_has_the_timecode_of_its_first_frame(tmp_path: Path) -> None:
    source = write(tmp_path / "walk.mov", MOVING, timecode="10:00:59:20", chapters=True)
    part = SoundSource(source, begin_s=Fraction(1, 2), trimmed=True, skipped=15, rate=RATE)
    fact = "left out, because only a part of it is used"
    assert written(source, tmp_path / "out.mp4", part) == [f"the file's chapters are {fact}"]
    assert timecode_of(tmp_path / "out.mp4") == "10:01:00:05"
    varying = SoundSource(source, begin_s=Fraction(1, 2), trimmed=True, skipped=15, rate=RATE, variable_rate=True)
    assert written(source, tmp_path / "varies.mp4", varying) == [f"the file's chapters and timecode are {fact}"]
    assert timecode_of(tmp_path / "varies.mp4") == ""


def test_a_timecode_that_the_rate_does_not_allow_is_left_out(tmp_path: Path) -> None:
    source = write(tmp_path / "walk.mov", MOVING, timecode="10:00:00;00")
    at_25_hz = SoundSource(source, rate=Fraction(25))
    assert written(source, tmp_path / "out.mp4", at_25_hz) == ["1 data track of the file is not in the output"]
    assert timecode_of(tmp_path / "out.mp4") == ""


def timecode_of(path: Path) -> str:
    """As players read it."""
    with av.open(str(path)) as container:
        tags = {**container.metadata, **container.streams.video[0].metadata}
        return next((text for name, text in tags.items() if name.lower() == "timecode"), "")


def test_subtitles_fonts_and_covers_are_named(tmp_path: Path) -> None:
    path = tmp_path / "walk.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.add_attachment("Some.ttf", "application/x-truetype-font", b"not a font")
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 50 * index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, 1 / RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert written(path, tmp_path / "out.mp4") == ["1 font of the file is not in the output"]


def test_what_ffmpeg_says_of_itself_in_an_avi_is_no_device(tmp_path: Path) -> None:
    source = write(tmp_path / "walk.avi", MOVING)
    with av.open(str(source)) as container:
        assert container.metadata["software"].startswith("Lavf")
    assert written(source, tmp_path / "out.mp4") == []


def test_a_plain_file_has_nothing_to_name_and_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write(tmp_path / "walk.mp4", MOVING)
    assert written(source, tmp_path / "a.mp4") == []
    written(write(tmp_path / "tags.mkv", MOVING, tags=TAGS, chapters=True), tmp_path / "b.mp4")
    written(tmp_path / "tags.mkv", tmp_path / "c.mp4")
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()
