"""Settings, names and tags drawn at random: each is accepted or refused in one line, and no file lands elsewhere.

The draws are the same in every run. Most of them test the layer of settings and names, in this process.
"""

import string
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows import preflight
from flows.config import settings as our_settings
from flows.config.overrides import (
    check_given_once,
    check_overrides,
    parse_arguments,
    quote_argument,
    sweep_combinations,
)
from flows.config.schema import setting_names
from flows.sweep import name_settings
from flows.videos import Video, find_videos, missing_reason, named_videos
from tasks.errors import SettingError, StillwalkError
from tasks.media.input.probe import scan_video
from tasks.media.output.source_extras import read_extras
from tasks.untrusted.plain_text import one_line
from tests.flows.config.composing import compose_once
from tests.support.clips import Made, make

bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES: Final = sorted(setting_names())
ODD_VALUES: Final = (
    *(
        "null",
        "true",
        "false",
        "2",
        "-1",
        "0",
        "1e-300",
        "1e300",
        "nan",
        "inf",
        "0x10",
        "1_000",
        "''",
        '" "',
        "~",
        "a=b",
    ),
    *("[1,2]", "[]", "[[1]]", "{a: 1}", "{}", "[1,null]", "[0.5,0.5]", "[1e9,1e9]", "9:16", "16:0", "../x", "/", "."),
    *(
        "${video}",
        "${oc.env:HOME}",
        "${x",
        "choice(1,2)",
        "range(1,9)",
        "glob(*)",
        "'a\x00b'",
        "'\x1b[2J'",
        "ü",
        "日本",
    ),
    *("99999999999999999999", "-0.0", "1,2", "auto", "none", "demo", "[stabilized,stabilized]", "\\", '"', "'", "("),
)
TEXT: Final = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
VALUES: Final = st.one_of(st.sampled_from(ODD_VALUES), TEXT, st.integers().map(str), st.floats().map(str))
KNOWN: Final = st.builds("{}={}".format, st.sampled_from(NAMES), VALUES)
WILD: Final = st.one_of(
    TEXT, st.builds("{}{}={}".format, st.sampled_from(["+", "++", "~", "-", "--", "hydra.", "@"]), TEXT, VALUES)
)


@pytest.fixture(autouse=True)
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)
    monkeypatch.chdir(tmp_path)


def assert_one_line(error: StillwalkError) -> None:
    text = one_line(str(error))  # as it is printed
    assert text.strip() and text.isprintable() and "Traceback" not in text


@settings(bounded, max_examples=25)  # each composes the whole configuration
@given(st.lists(KNOWN, max_size=3))
@example(["target=[true,1]"])
@example(["target={x: 1}"])
@example(["anchor.landmarks={left_hip: true}"])
def test_any_overrides_give_settings_or_one_line_and_no_file(overrides: list[str]) -> None:
    try:
        config = our_settings.load(["video=demo", *overrides])
        preflight.check_video(config, find_videos("demo")[0])
    except StillwalkError as error:
        assert_one_line(error)
    assert [*Path.cwd().iterdir()] == []


@bounded
@given(st.lists(st.one_of(KNOWN, WILD), max_size=4), st.booleans())
def test_any_arguments_are_read_or_refused_in_one_line(arguments: list[str], sweep: bool) -> None:
    try:
        overrides = parse_arguments([quote_argument(argument, sweep=sweep) for argument in arguments])
        check_overrides(overrides)
        if sweep:
            check_given_once(overrides)
            jobs, fixed = sweep_combinations(overrides)
            for one in name_settings(jobs[:50], fixed):
                assert Path(one.name).name == one.name and one.name not in ("", ".", "..")
                assert len(one.name.encode()) <= 255
    except SettingError as error:
        assert_one_line(error)
    except SystemExit as leaving:  # --help of Hydra's own parser
        assert leaving.code in (0, None)


@bounded
@given(
    st.lists(
        st.one_of(TEXT, st.sampled_from(["demo", "*", "**", "@list", "/dev/null", "..", "~", "%s", "a" * 300])),
        max_size=3,
    )
)
def test_any_names_of_videos_give_unique_folders_inside_the_output_folder(names: list[str]) -> None:
    try:
        videos = find_videos(names)
    except SettingError as error:
        assert_one_line(error)
        return
    assert len({video.name.casefold() for video in videos}) == len(videos)
    output_dir = Path.cwd() / "outputs"
    for video in videos:
        missing_reason(video)
        assert (output_dir / video.name).resolve().parent == output_dir
        assert video.name.isprintable() and len(video.name.encode()) <= 255


@bounded
@given(
    st.lists(
        st.text(st.sampled_from(string.printable + "äß日\u202e\U0001f600"), min_size=1, max_size=300),
        min_size=1,
        max_size=4,
    )
)
def test_any_file_names_give_unique_printable_folders(stems: list[str]) -> None:
    paths = list(dict.fromkeys(Path("/clips") / f"{stem.replace('/', '_')}.mp4" for stem in stems))
    videos = named_videos([Video("", path) for path in paths])
    assert len({video.name.casefold() for video in videos}) == len(videos)
    assert all(video.name.isprintable() and len(video.name.encode()) <= 255 for video in videos)


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A clip of four frames with a title of sixteen letters."""
    import av

    folder = tmp_path_factory.mktemp("tagged")
    plain = make(folder / "plain.mp4", Made(ticks=tuple(range(0, 4 * 512, 512))))
    with av.open(str(plain)) as source, av.open(str(folder / "tagged.mp4"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        target.metadata.update(title="ABCDEFGHIJKLMNOP", comment="QRSTUVWXYZabcdef")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return (folder / "tagged.mp4").read_bytes()


@settings(bounded, max_examples=40)
@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_any_bytes_in_tags_are_read(tagged: bytes, title: bytes, comment: bytes) -> None:
    path = Path.cwd() / "tagged.mp4"
    path.write_bytes(tagged.replace(b"ABCDEFGHIJKLMNOP", title).replace(b"QRSTUVWXYZabcdef", comment))
    clip, _ = scan_video(path, "", lambda _: None)
    assert clip.frames == 4
    extras = read_extras(path, clip.rate)
    assert extras.notes in ([], ["1 other text tag of the file is not in the output"])
    extras.tags.get("title", "").encode()  # it can be written


@settings(bounded, max_examples=40)
@given(st.binary(max_size=400), st.integers(0, 2000))
def test_any_damage_of_a_file_is_a_clip_or_one_line(tagged: bytes, noise: bytes, place: int) -> None:
    path = Path.cwd() / "damaged.mp4"
    path.write_bytes(tagged[:place] + noise + tagged[place + len(noise) :])
    try:
        clip, table = scan_video(path, "", lambda _: None)
        assert clip.frames == len(table.pts) > 0
    except StillwalkError as error:
        assert_one_line(error)
    read_extras(path, None)
