"""Values of forms that no setting takes, and words that are none of the program's: each is one line."""

import re

import pytest

from conf.choices import Smoother
from conf.schema import Config
from flows.cli.arguments import check, overrides_among
from flows.config import settings
from flows.config.error_lines import setting_names
from tasks.errors import SettingError
from tests.flows.config.test_settings import load


@pytest.fixture(autouse=True)
def registered() -> None:
    settings.register()


NO_PRESETS = ["[]", "[1]", "[[1]]", "[gaussian]", "[gaussian,moving]", "[null]", "[1,[2]]", "null", "nan", "1", "true"]


@pytest.mark.parametrize("value", NO_PRESETS)
@pytest.mark.parametrize(
    "group", sorted(folder.name for folder in settings.CONF.iterdir() if any(folder.glob("*.yaml")))
)
def test_a_preset_is_one_word(group: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"^{group}: .* is not one preset; choose one of \w+, ") as caught:
        load(f"{group}={value}")
    assert "\n" not in str(caught.value)


def test_several_presets_are_a_sweeps() -> None:
    with pytest.raises(SettingError, match=r", or put -m before smoothing=gaussian,moving for a sweep$"):
        load("smoothing=[gaussian,moving]")
    with pytest.raises(SettingError, match=r"^smoothing: one setting takes one value; put -m before it for a sweep$"):
        load("smoothing=gaussian,moving")
    for words in ("[1],gaussian", "gaussian,null", "range(1,3)"):
        with pytest.raises(SettingError, match=r"^smoothing: \S+ is not one preset; choose one of "):
            check([f"smoothing={words}"])
    check(["smoothing=gaussian,moving", "smoothing=glob(*)", "smoothing=choice('gaussian',moving)"])
    assert load("smoothing={kind:gaussian}").smoothing.kind is Smoother.gaussian


FORMS = ["[]", "[[1]]", "[null]", "{a:1}", "null", "9" * 400]


@pytest.mark.parametrize("name", list(setting_names(Config)))
def test_a_value_of_any_form_is_taken_or_refused_in_a_line(name: str) -> None:
    for form in FORMS:
        try:
            settings.load([*["video=demo"][: name != "video"], f"{name}={form}"])
        except SettingError as error:
            assert re.fullmatch(rf"{name}[^:]*: .+[;,] .+", str(error)), (form, str(error))


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--foo", r"^--foo: there is no such option; `stillwalk --help`"),
        ("-c", r"^-c: expected one argument; `stillwalk --help`"),
        ("--cfg=x", r"^-c: invalid choice: 'x' .*; `stillwalk --help`"),
    ],
)
def test_an_option_that_is_none_is_one_line(argument: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        overrides_among(["video=demo", argument])
    with pytest.raises(SettingError, match=r"^smoothing=gaussian: an option stands between"):
        overrides_among(["video=demo", "-m", "smoothing=gaussian"])
    assert overrides_among(["-m", "video=demo", "smoothing=gaussian"]) == ["video=demo", "smoothing=gaussian"]
