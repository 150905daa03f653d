"""Checks before any work: settings that do not suit a video's size or the drawn walk."""

from pathlib import Path

import pytest

from conf.config import Config
from flows import machine, preflight
from flows.config import settings
from flows.videos import Video
from tasks.errors import SettingError
from tests.flows.config.composing import compose_once
from tests.support.clips import Made, make

DEMO = Video("demo", None)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)


def load(*overrides: str) -> Config:
    return settings.load(["video=demo", *overrides])


def test_a_walk_into_the_camera_is_refused(tmp_path: Path) -> None:
    config = load("demo.heading_deg=90", "demo.seconds=30")
    with pytest.raises(
        SettingError, match=r"^demo\.seconds: in 30 s a walker reaches the camera; give up to 18\.7, or"
    ):
        preflight.check_run(config, [DEMO])
    preflight.check_run(config, [DEMO, Video("a", make(tmp_path / "a.mp4", Made()))])


CLEAR = ("background=transparent", "background.alpha=mov")
ODD = r"^background\.alpha: ProRes with opacity needs an even width, not {}; choose .*, or an even {}$"
NARROW = r"^encode: H\.265 needs a width of at least 64 px, not {}; choose encode=x264{}$"


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (CLEAR, ODD.format("65x48", r"crop\.size")),
        ((*CLEAR, "crop.size=[33,32]"), ODD.format("33x32", r"crop\.size")),
        ((*CLEAR, "crop.window=[0,0,33,32]"), ODD.format("33x32", r"width in crop\.window")),
        (("encode=x265", "crop.size=[40,32]"), NARROW.format("40x32", r", or a larger crop\.size")),
        (("encode=x265", "crop.output=40x32"), NARROW.format("40x32", r", or a larger crop\.output")),
        (("encode=x265", "crop=expand", "crop.output=40x32"), NARROW.format("40x32", r", or a larger crop\.output")),
        (("encode=x265", "crop.aspect=1:1", "outputs=[overlay]"), NARROW.format("48x48", r", or a larger crop\.size")),
        (
            ("encode=x265", "crop.size=[33,48]", "outputs=[comparison]", "comparison.max_width=64"),
            NARROW.format("62x30", ""),
        ),
    ],
)
def test_a_format_that_cannot_hold_the_picture_size_is_refused(
    tmp_path: Path, overrides: tuple[str, ...], line: str
) -> None:
    odd = Video("odd", make(tmp_path / "odd.mkv", Made(size_px=(65, 48), pixel_format="yuv444p")))
    with pytest.raises(SettingError, match=line):
        preflight.check_video(load(*overrides), odd)


@pytest.mark.parametrize(
    "overrides",
    [
        (*CLEAR, "crop.size=[32,32]"),
        (*CLEAR, "crop=auto"),
        (*CLEAR, "crop=expand"),
        (*CLEAR, "crop.output=40x32"),
        (*CLEAR, "outputs=[stabilized]"),
        (*CLEAR, "background.on=[person]", "background.alpha=webm"),
        (*CLEAR, "sweep.render=none"),
        ("encode=x265",),
        ("encode=x265", "crop=auto"),
        ("encode=x265", "crop.size=[40,32]", "outputs=[pose]"),
    ],
)
def test_a_format_that_can_hold_the_picture_size_is_accepted(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    odd = Video("odd", make(tmp_path / "odd.mkv", Made(size_px=(65, 48), pixel_format="yuv444p")))
    preflight.check_video(load(*overrides), odd)


@pytest.mark.parametrize(
    ("height", "output", "cure"),
    [("0.05", "64x16", "give at least 0.1"), ("0.5", "16384x16", "give a less wide crop.output")],
)
def test_a_person_who_leaves_the_picture_no_room_is_refused_and_the_cure_works(
    height: str, output: str, cure: str
) -> None:
    demo = Video("demo", None)
    with pytest.raises(SettingError, match=rf"^lock\.height: {height} in an output of {output} leaves .*; {cure}$"):
        preflight.check_video(load(f"lock.height={height}", f"crop.output={output}"), demo)
    for works in (
        ("lock.height=0.1", "crop.output=64x16"),
        ("lock.height=0.05",),
        ("lock.height=4", "crop.output=64x16"),
    ):
        preflight.check_video(load(*works), demo)


def test_a_narrow_source_gets_no_advice_about_the_crop(tmp_path: Path) -> None:
    narrow = Video("narrow", make(tmp_path / "narrow.mp4", Made(size_px=(48, 64))))
    for crop in ("none", "auto"):
        with pytest.raises(SettingError, match=NARROW.format("48x64", "")):
            preflight.check_video(load("encode=x265", f"crop={crop}"), narrow)


def test_one_unsuitable_video_does_not_stop_the_others(tmp_path: Path) -> None:
    odd = Video("odd", make(tmp_path / "odd.mkv", Made(size_px=(65, 48), pixel_format="yuv444p")))
    preflight.check_run(load(*CLEAR), [odd, DEMO])


NAME, PATH = "x" * 300, "/".join(["a" * 99] * 50)


@pytest.mark.parametrize(
    ("place", "fact"),
    [
        (NAME, r"the name x{20}\.\.\. has 300 bytes, and a name may have 255"),
        (f"a/{NAME}/b", r"the name x{20}\.\.\. has 300 bytes"),
        ("ä" * 150, r"the name ä{10}\.\.\. has 300 bytes"),
        (PATH, r"the path has \d+ bytes, and files in it have no room within 4096"),
    ],
)
def test_a_path_that_is_too_long_for_the_system_is_refused(tmp_path: Path, place: str, fact: str) -> None:
    machine.check_path("cache_dir", tmp_path / ("x" * 255) / "a")
    with pytest.raises(SettingError, match=rf"^cache_dir: {fact}.*; choose a shorter one with cache_dir=$"):
        machine.check_path("cache_dir", tmp_path / place)


def test_a_folder_of_results_whose_path_is_not_in_utf8_is_refused(tmp_path: Path) -> None:
    line = r"^output_dir: the name .*a\\xff/outputs is not in UTF-8; choose another place with output_dir=$"
    with pytest.raises(SettingError, match=line):
        machine.check_path("output_dir", tmp_path / "a\udcff" / "outputs")


def test_videos_are_refused_before_a_server_starts_only_where_none_can_be_opened(tmp_path: Path) -> None:
    text, out = tmp_path / "text.mp4", tmp_path / "out"
    text.write_text("walk this way")
    unreadable, gone = Video("text", text), Video("gone", tmp_path / "gone.mp4")
    line = r"text\.mp4: is not a video that can be read \(.*\); give a video file such as \.mp4 or \.mov"
    with pytest.raises(SettingError, match=f"{line}$"):
        preflight.require_any_video(load(), [unreadable], out)
    with pytest.raises(SettingError, match=rf"{line} \(none of the 2 videos can be read\)$"):
        preflight.require_any_video(load(), [unreadable, gone], out)
    with pytest.raises(SettingError, match=r"gone\.mp4: there is no such file"):
        preflight.require_any_video(load(), [gone, unreadable], out)
    preflight.require_any_video(load(), [unreadable, Video("a", make(tmp_path / "a.mp4", Made()))], out)
    preflight.require_any_video(load(), [unreadable, DEMO], out)
    (out / "text").mkdir(parents=True)
    (out / "text" / "run.json").touch()
    preflight.require_any_video(load(), [unreadable], out)
