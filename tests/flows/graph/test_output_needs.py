"""Borders and backgrounds as settings: what they choose, what they need, and what is refused."""

import struct
import zlib
from pathlib import Path

import pytest

from conf.config import Config
from conf.enums import BackgroundMode, BorderMode, Output
from flows import preflight
from flows.config import settings
from flows.graph.output_needs import background_of, border_of, file_name, masks_wanted, scene_wanted
from flows.videos import Video
from tasks.errors import SettingError
from tests.flows.config.composing import compose_once
from tests.support.clips import Made, make


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)


def load(*overrides: str) -> Config:
    return settings.load(["video=demo", *overrides])


@pytest.mark.parametrize("mode", [mode.value for mode in BorderMode])
def test_every_border_is_a_group(mode: str) -> None:
    assert load(f"border={mode}").border.mode.value == mode


@pytest.mark.parametrize("mode", ["keep", "color", "blur", "transparent"])
def test_every_background_is_a_group(mode: str) -> None:
    assert load(f"background={mode}").background.mode.value == mode


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["background=image"], r"^background\.image: no picture was given; name a picture"),
        (["background.image=a.png"], r"^background\.image: background=color uses no picture; add background=image"),
        (["background=blur", "background.blur_px=0"], r"^background\.blur_px: 0\.0 px is out of range; give"),
        (["background.on=[]"], r"^background\.on: \[\] is not a list of videos; name"),
        (["background.on=[pose]"], r"^background\.on: \['pose'\] is not a list of videos; name"),
        (
            ["background=transparent", "background.on=[stabilized]"],
            r"^background\.on: \['stabilized'\] cannot be transparent; give background\.on=\[person\]",
        ),
        (
            ["background=green"],
            r"^background: there is no 'green'; choose one of blur, color, image, keep",
        ),
        (
            ["border=black"],
            r"^border: there is no 'black'; choose one of blur, constant, mirror, reflect, replicate, scene",
        ),
    ],
)
def test_a_mistake_is_one_line(overrides: list[str], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence) as caught:
        load(*overrides)
    assert "\n" not in str(caught.value)


def test_a_picture_that_is_none_is_found_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^background\.image: .*cannot be read"):
        preflight.check_run(load("background=image", f"background.image={tmp_path / 'no.png'}"), [])


def test_a_picture_larger_than_can_be_read_is_one_line(tmp_path: Path) -> None:
    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    head = b"IHDR" + size
    chunk = struct.pack(">I", len(size)) + head + struct.pack(">I", zlib.crc32(head))
    (tmp_path / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    with pytest.raises(SettingError, match=r"^background\.image: .* is (too large|not a picture); "):
        preflight.check_run(load("background=image", f"background.image={tmp_path / 'large.png'}"), [])


def test_a_setting_is_refused_where_it_fits_none_of_several_clips(tmp_path: Path) -> None:
    long, short, shorter = (
        Video(name, make(tmp_path / f"{name}.mp4", Made(ticks=tuple(512 * index for index in range(frames)))))
        for name, frames in (("long", 12), ("short", 3), ("shorter", 2))
    )
    gone, config = Video("gone", tmp_path / "gone.mp4"), load("smoothing.window=9")
    preflight.check_run(config, [short, long, shorter])
    with pytest.raises(SettingError, match=r"longer than the clip of 3; give an odd number of at most 3$"):
        preflight.check_video(config, short)
    said = rf"longer than the clip of 3; .* \(for {tmp_path}/short\.mp4; none of the 3 videos fits\)"
    with pytest.raises(SettingError, match=said):
        preflight.check_run(config, [gone, short, shorter])


def test_the_background_is_the_persons_unless_others_are_named() -> None:
    config = load("background=blur")
    assert background_of(config, Output.stabilized) is None
    person = background_of(config, Output.person)
    assert person is not None
    assert person.mode is BackgroundMode.blur


def test_a_person_that_is_not_named_has_the_colour() -> None:
    config = load("background=blur", "background.on=[stabilized]", "background.color=[1,2,3]")
    person, steady = background_of(config, Output.person), background_of(config, Output.stabilized)
    assert person is not None
    assert (person.mode, person.color) == (BackgroundMode.color, [1, 2, 3])
    assert steady is not None
    assert steady.mode is BackgroundMode.blur


def test_the_comparison_has_its_settings() -> None:
    asked = load("comparison.layout=vertical", "comparison.labels=true", "comparison.max_width=640").comparison
    assert (asked.layout.value, asked.labels, asked.max_width) == ("vertical", True, 640)
    with pytest.raises(SettingError, match=r"^comparison\.layout: there is no"):
        load("comparison.layout=diagonal")


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        ([], True),
        (["outputs=[person]"], True),
        (["outputs=[person]", "background=keep"], False),
        (["outputs=[masks]"], True),
        (["outputs=[stabilized,pose]"], False),
        (["outputs=[pose]", "anchor.masks=true"], True),
        (["outputs=[stabilized]", "background=blur", "background.on=[stabilized]"], True),
        (["outputs=[pose]", "verify=true", "background=blur", "background.on=[stabilized]"], True),
        (["outputs=[comparison]", "background=blur", "background.on=[stabilized]"], False),
    ],
)
def test_masks_are_made_where_they_are_needed(overrides: list[str], wanted: bool) -> None:
    assert masks_wanted(load(*overrides)) == wanted


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "person.mp4"),
        (["background=keep"], "person.mp4"),
        (["background=transparent"], "person.webm"),
        (["background=transparent", "background.alpha=mov"], "person.mov"),
        (["background=transparent", "background.alpha=png"], "person_png.zip"),
        (["background=blur", "background.alpha=png"], "person.mp4"),
    ],
)
def test_the_name_of_the_persons_video_tells_what_it_is(overrides: list[str], name: str) -> None:
    assert file_name(load(*overrides), Output.person) == name


def test_a_border_that_is_not_seen_makes_nothing_again() -> None:
    one, other = load("border=constant"), load("border=blur")
    assert border_of(one, Output.person) == border_of(other, Output.person)
    assert border_of(one, Output.stabilized) != border_of(other, Output.stabilized)
    for mode in ("keep", "blur"):
        assert border_of(load("border=blur", f"background={mode}"), Output.person).mode is BorderMode.blur


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        (["outputs=[stabilized]"], True),
        (["outputs=[preview]"], True),
        (["outputs=[overlay]", "border=reflect"], True),
        (["outputs=[stabilized]", "border=mirror"], False),
        (["outputs=[stabilized]", "border=blur"], False),
        (["outputs=[person]"], True),
        (["outputs=[person]", "masks.plate=false"], False),
        (["outputs=[person]", "background=blur", "masks.plate=false"], True),
        (["outputs=[person]", "background=blur", "border=mirror"], True),
        (["outputs=[pose]"], False),
        (["crop=auto", "outputs=[stabilized]"], False),
        (["crop=auto", "outputs=[person]"], True),
        (["crop.aspect=9:16"], True),
    ],
)
def test_clean_plates_are_made_where_a_border_or_a_cut_out_needs_them(overrides: list[str], wanted: bool) -> None:
    assert scene_wanted(settings.load(["video=demo", *overrides])) is wanted
