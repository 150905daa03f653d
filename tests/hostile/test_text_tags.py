"""Text tags of a video may be in any encoding."""

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
