"""The decode stage: its two files, its facts, and equal bytes every time."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from conf.clip import ClipConf
from conf.input import DecodeConf
from tasks.decode import decode
from tasks.errors import Interrupted, VideoError
from tasks.media.files.tables import read_json, read_table
from tasks.records import Clip
from tasks.requests import DecodeRequest
from tests.support.clips import Made, make


def run(
    source: Path, folder: Path, *, strict: bool = False, to_s: float | None = None, by_decoding: bool = False
) -> dict[str, object]:
    folder.mkdir()
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    part = ClipConf(to_s=to_s)
    request = DecodeRequest(source=source, digest=digest, settings=DecodeConf(strict=strict), part=part)
    request = replace(request, by_decoding=by_decoding)
    return decode(request, folder, lambda done: None)


def test_an_end_behind_that_of_the_file_is_told(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made())
    assert run(source, tmp_path / "rounded", to_s=0.5)["notes"] == []
    (note,) = cast(list[str], run(source, tmp_path / "far", to_s=9)["notes"])
    assert note == "clip.to: the file ends at 0.40 s, before 9 s: all frames to its end are used"


def test_a_clip_and_its_table_are_written(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made(tones=["aac"]))
    facts = run(source, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["clip.json", "frames.parquet"]
    clip = Clip.from_json(read_json(tmp_path / "out" / "clip.json"))
    table = read_table(tmp_path / "out" / "frames.parquet")
    assert clip.digest == hashlib.sha256(source.read_bytes()).hexdigest()
    assert {name: column.dtype.name for name, column in table.items()} == {
        "frame": "int64",
        "pts": "int64",
        "time_s": "float64",
        "duration_s": "float64",
    }
    assert table["frame"].tolist() == list(range(12))
    np.testing.assert_array_equal(table["time_s"], np.arange(12) / 30)
    np.testing.assert_allclose(table["time_s"] + table["duration_s"], np.arange(1, 13) / 30, atol=1e-12)
    assert facts["frames"] == clip.frames == 12
    assert facts["sound_tracks"] == 1
    assert facts["broken"] == ""
    assert facts["notes"] == []


def test_the_same_file_under_another_name_gives_the_same_bytes(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made())
    (tmp_path / "b.mov").write_bytes(source.read_bytes())
    run(source, tmp_path / "1")
    run(tmp_path / "b.mov", tmp_path / "2")
    for name in ("clip.json", "frames.parquet"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_packets_and_decoding_give_the_same_bytes(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made(options={"bf": "3", "threads": "1"}, tones=["aac"]))
    told = [run(source, tmp_path / str(by_decoding), by_decoding=by_decoding) for by_decoding in (False, True)]
    assert told[0] == told[1]
    for name in ("clip.json", "frames.parquet"):
        assert (tmp_path / "False" / name).read_bytes() == (tmp_path / "True" / name).read_bytes()


@pytest.mark.parametrize("options", [{"x264-params": "tff=1"}, {"x264-params": "bff=1"}])
def test_an_interlaced_picture_is_reported_with_a_cure(tmp_path: Path, options: dict[str, str]) -> None:
    facts = run(make(tmp_path / "a.mp4", Made(options={"threads": "1", **options})), tmp_path / "out")
    assert facts["notes"] == [
        "the picture is interlaced (12 of 12 frames): both fields are moved together, which mixes them; "
        "deinterlace it first, such as with ffmpeg -vf bwdif"
    ]
    assert Clip.from_json(read_json(tmp_path / "out" / "clip.json")).interlaced == 12


@pytest.mark.parametrize(("pixel_format", "told"), [("yuva444p10le", True), ("yuv444p10le", False)])
def test_an_ignored_alpha_channel_is_reported_with_a_cure(tmp_path: Path, pixel_format: str, told: bool) -> None:
    clear = Made(codec="prores_ks", pixel_format=pixel_format, options={"profile": "4444"})
    facts = run(make(tmp_path / "a.mov", clear), tmp_path / "out")
    line = "the video is partly transparent: its alpha channel is ignored; put it on a background first"
    assert facts["notes"] == ([line] if told else [])


def test_a_broken_file_gives_its_frames_unless_decoding_is_strict(videos: Path, tmp_path: Path) -> None:
    source = videos / "corrupted_midway.mp4"
    facts = run(source, tmp_path / "1", by_decoding=True)
    assert (facts["frames"], facts["frames_declared"]) == (28, 50)
    assert str(facts["broken"]).startswith("28 of 50 frames could be decoded: ")
    assert len(read_table(tmp_path / "1" / "frames.parquet")["pts"]) == 28
    assert run(source, tmp_path / "part", to_s=9)["frames"] == 28  # of a part the whole file is decoded too
    with pytest.raises(VideoError, match=r"corrupted_midway\.mp4: 28 of 50 frames .*decode\.strict=false"):
        run(source, tmp_path / "2", strict=True)


def test_missing_frames_are_reported_with_a_cure(tmp_path: Path) -> None:
    source = make(tmp_path / "a.ts", Made(ticks=range(0, 60 * 512, 512), options={"bf": "0", "threads": "1"}))
    content = source.read_bytes()
    middle = len(content) // 376 * 188
    source.write_bytes(content[:middle] + content[middle + 10 * 188 :])
    (note,) = cast("list[str]", run(source, tmp_path / "out")["notes"])
    assert note.endswith(" s: the file is damaged there, and the previous frame is repeated; copy or download it again")
    clip = Clip.from_json(read_json(tmp_path / "out" / "clip.json"))
    assert note.startswith(f"{clip.missing}: ")
    assert clip.missing.split()[0] == str(60 - clip.frames)
    with pytest.raises(VideoError, match=r"missing.*decode\.strict=false"):
        run(source, tmp_path / "strict", strict=True)


def test_an_interruption_ends_decoding(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", Made())

    def interrupt(done: int) -> None:
        if done == 3:
            raise Interrupted

    request = DecodeRequest(source=source, digest="digest", settings=DecodeConf(), by_decoding=True)
    with pytest.raises(Interrupted):
        decode(request, tmp_path, interrupt)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("missing.mp4", lambda path: None),
        ("folder", Path.mkdir),
        ("empty.mp4", Path.touch),
        ("notes.txt", lambda path: path.write_text("no video")),
    ],
)
def test_a_file_that_is_not_a_video_is_an_error_of_one_line(
    tmp_path: Path, name: str, spoil: Callable[[Path], object]
) -> None:
    spoil(tmp_path / name)
    request = DecodeRequest(source=tmp_path / name, digest="digest", settings=DecodeConf())
    with pytest.raises(VideoError, match=name) as caught:
        decode(request, tmp_path, lambda done: None)
    assert "\n" not in str(caught.value)
