"""Overrides: quoting of paths, values that no setting accepts, unknown options."""

import re
from enum import Enum
from pathlib import Path
from typing import get_args

import pytest

from conf.enums import Smoother, SubjectRule
from flows.config import settings
from flows.config.overrides import (
    CONF_FOLDER,
    check_overrides,
    parse_arguments,
    quote_argument,
    sweep_combinations,
)
from flows.config.schema import is_list_type, setting_names, setting_type
from flows.sweep import name_settings
from tasks.errors import SettingError
from tests.flows.config.composing import compose_once
from tests.flows.config.test_settings import load


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)


NO_PRESETS = ["[]", "[1]", "[[1]]", "[gaussian]", "[gaussian,moving]", "[1,[2]]", "null", "nan", "2.5", "true"]


@pytest.mark.parametrize("value", NO_PRESETS)
@pytest.mark.parametrize("group", sorted(folder.name for folder in CONF_FOLDER.iterdir() if any(folder.glob("*.yaml"))))
def test_a_preset_must_be_one_word(group: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"^{group}: .* is not one preset; choose one of \w+, ") as caught:
        load(f"{group}={value}")
    assert "\n" not in str(caught.value)


def test_several_presets_need_a_sweep() -> None:
    with pytest.raises(SettingError, match=r", or put -m before smoothing=gaussian,moving for a sweep$"):
        load("smoothing=[gaussian,moving]")
    with pytest.raises(SettingError, match=r"^smoothing: it takes one value; put -m before it for a sweep$"):
        load("smoothing=gaussian,moving")
    for words in ("[1],gaussian", "gaussian,null", "range(1,3)"):
        with pytest.raises(SettingError, match=r"^smoothing: \S+ is not one preset; choose one of "):
            check_overrides([f"smoothing={words}"])
    check_overrides(["smoothing=gaussian,moving", "smoothing=glob(*)", "smoothing=choice('gaussian',moving)"])
    assert load("smoothing={kind:gaussian}").smoothing.kind is Smoother.gaussian


def test_of_two_presets_of_several_sections_none_is_dropped_silently() -> None:
    match = r"^preset: portrait and cutout are given, but one .*; give one, and settings beside it$"
    with pytest.raises(SettingError, match=match):
        load("preset=portrait", "preset=cutout")
    assert load("preset=portrait", "preset=portrait") == load("preset=portrait")
    with pytest.raises(SettingError, match=r"^preset: it is given twice; for a sweep .* give preset=portrait,cutout$"):
        sweep_combinations(["video=demo", "preset=portrait", "preset=cutout"])


@pytest.mark.parametrize(
    ("given", "person"), [("subject=2", 2), ("subject='2'", 2), ("subject=02", 2), ("subject=all", None)]
)
def test_a_number_is_the_short_form_of_a_person(given: str, person: int | None) -> None:
    subject = load(quote_argument(given, sweep=False)).subject
    assert subject.person == person and load(given).subject == subject
    assert subject.rule is (SubjectRule.auto if person else SubjectRule.all)


@pytest.mark.parametrize("given", ["subject=all,2,auto", "subject=all, 2 ,auto", "subject=choice(all,2,auto)"])
def test_numbers_and_words_for_people_make_one_sweep(given: str) -> None:
    quoted = quote_argument(given, sweep=True)
    check_overrides([quoted])
    jobs, _ = sweep_combinations(["video=demo", quoted])
    people = [settings.load(job).subject for job in jobs]
    assert [one.person for one in people] == [None, 2, None]
    assert [one.rule.value for one in people] == ["all", "auto", "auto"]
    assert [one.name for one in name_settings(jobs, {"video=demo"})] == ["subject=all", "subject=2", "subject=auto"]


def test_a_person_that_no_preset_names_is_refused_with_the_words_and_the_numbers() -> None:
    cure = "choose one of all, auto, centre, first, largest, or a number from 1 to 99"
    for number in ("0", "100"):
        with pytest.raises(SettingError, match=rf"^subject: there is no '{number}'; {cure}$"):
            load(f"subject={number}")


SHORT = {"clip.from_s": "clip.from", "clip.to_s": "clip.to"}
FORMS = ["[]", "{a:1}", "null", "9" * 400]
LISTS = ["[[1]]", "[null]"]  # a setting of one plain value refuses these as it refuses the empty list


def is_plain(name: str) -> bool:
    """Whether a setting is of one number, text, word, or yes or no."""
    kind = setting_type(name)
    kinds = [one for one in get_args(kind) or (kind,) if one is not type(None)]
    return not is_list_type(kind) and all(
        isinstance(one, type) and issubclass(one, int | float | str | Enum) for one in kinds
    )


@pytest.mark.parametrize("name", list(setting_names()))
def test_a_value_of_any_form_is_accepted_or_refused_in_one_line(name: str) -> None:
    for form in [*FORMS, *([] if is_plain(name) else LISTS)]:
        try:
            settings.load([*["video=demo"][: name != "video"], f"{name}={form}"])
        except SettingError as error:
            assert re.fullmatch(rf"{SHORT.get(name, name)}[^:]*: .+[;,] .+", str(error)), (form, str(error))


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--foo", r"^--foo: there is no such option; `stillwalk --help`"),
        ("--plan", r"^--plan: there is no such option; .*; did you mean plan=true\?$"),
        ("--dry-run", r"^--dry-run: there is no such option; .*; did you mean plan=true\?$"),
        ("--output-dir=here", r"^--output-dir=here: .* did you mean output_dir=here\?$"),
        ("-c", r"^-c: expected one argument; `stillwalk --help`"),
        ("--cfg=x", r"^-c: invalid choice: 'x' .*; `stillwalk --help`"),
    ],
)
def test_an_unknown_option_is_refused_in_one_line(argument: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        parse_arguments(["video=demo", argument])
    with pytest.raises(SettingError, match=r"^smoothing=gaussian: an option stands between"):
        parse_arguments(["video=demo", "-m", "smoothing=gaussian"])
    assert parse_arguments(["-m", "video=demo", "smoothing=gaussian"]) == ["video=demo", "smoothing=gaussian"]


@pytest.mark.parametrize(
    ("argument", "sweep", "passed"),
    [
        ("video=walk.mp4", False, 'video="walk.mp4"'),
        ("outputs=pose, masks", True, "outputs=[pose],[masks]"),
        ("exports=events,trc", False, "exports=events,trc"),
        ("exports=events,foo", True, "exports=events,foo"),
        ("video=my clip (1).mp4", False, 'video="my clip (1).mp4"'),
        ('video=a"b.mp4', False, r'video="a\"b.mp4"'),
        ("video=[a.mp4, my clip (1).mp4]", False, 'video=["a.mp4","my clip (1).mp4"]'),
        ("video=[]", False, "video=[]"),
        ("video=['a b.mp4',c.mp4]", False, "video=['a b.mp4',c.mp4]"),
        ("video=[a.mp4],[b.mp4]", True, "video=[a.mp4],[b.mp4]"),
        ("video=[a.mp4, my clip (1).mp4]", True, 'video=["a.mp4","my clip (1).mp4"]'),
        ("video=[" + ",".join(["a" * 30] * 12) + "]", False, "video=[" + ",".join(['"' + "a" * 30 + '"'] * 12) + "]"),
        ("video=Gänge.mp4, b (1).mp4", True, 'video="Gänge.mp4","b (1).mp4"'),
        ("video=choice(a.mp4,b.mp4)", True, "video=choice(a.mp4,b.mp4)"),
        ("output_dir=Übung 1", False, 'output_dir="Übung 1"'),
        ("sweep.name=Übung (1)", True, 'sweep.name="Übung (1)"'),
        ("cache_dir=null", False, "cache_dir=null"),
        ("smoothing.window=5", False, "smoothing.window=5"),
        ("--cfg", False, "--cfg"),
        ("clip.from=00:01:02.5", False, "clip.from_s=00:01:02.5"),
        ("clip.to=9", False, "clip.to_s=9"),
        ("border.color=#00b140", False, "border.color=[0,177,64]"),
        ("background.color='#0b4'", False, "background.color=[0,187,68]"),
        ("background.color=rgb(0,177,64)", False, "background.color=[0,177,64]"),
        ("border.color=tomato", False, "border.color=[255,99,71]"),
        ("border.color=red,rgb(1,2,3),[4,5,6]", True, "border.color=[255,0,0],[1,2,3],[4,5,6]"),
        ("border.color=[1,2,3]", False, "border.color=[1,2,3]"),
        ("exports=events", False, "exports=[events]"),
        ("exports=events,angles", True, "exports=[events],[angles]"),
    ],
)
def test_arguments_are_written_in_hydras_grammar(argument: str, sweep: bool, passed: str) -> None:
    assert quote_argument(argument, sweep=sweep) == passed


@pytest.mark.parametrize("color", ["tomatoe", "#12", "rgb(1,2)", "#00b14080"])
def test_a_text_that_is_no_colour_is_one_line(color: str) -> None:
    with pytest.raises(SettingError, match=r"^border\.color: .* is not a colour; give \[r,g,b\] with numbers "):
        quote_argument(f"border.color={color}", sweep=False)


@pytest.mark.parametrize(
    "name",
    [
        "Gänge üben [1] (neu), #2.mp4",
        "a=b.mp4",
        "$x {y}.mp4",
        "back\\slash.mp4",
        "[x].mp4",
        "${oc.env:HOME}.mp4",
        "a\\${x}\\b ${.mp4",
        "it's me.mp4",
        "'a'.mp4",
        '"a.mp4',
    ],
)
def test_any_file_name_arrives_unchanged(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    assert settings.load([quote_argument(f"video={name}", sweep=False)]).video == name
    assert settings.load([quote_argument(f"video=[{name}]", sweep=False)]).video == [name] or "," in name


def test_an_interpolation_is_resolved_unless_a_file_has_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPS", "/clips")
    assert settings.load([quote_argument("video=${oc.env:CLIPS}/a.mp4", sweep=False)]).video == "/clips/a.mp4"
