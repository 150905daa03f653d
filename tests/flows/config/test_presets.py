"""Presets of several settings: what they choose, that what is typed counts more, and those of a user."""

import subprocess
import sys
from pathlib import Path

import pytest

from conf.config import Config
from conf.enums import BackgroundMode, BorderMode, CropMode, Export, Output, OverlayNumber
from flows.cli.help import manual, preset_lines
from flows.config import settings
from flows.config.presets import own_presets, presets
from tasks.errors import SettingError

MINE = """# @package _global_
# Square and blurred.
defaults:
  - square
  - override /border: blur
lock: {height: 0.7}
"""


@pytest.fixture(autouse=True)
def registered() -> None:
    settings.register_schema()


def load(*overrides: str) -> Config:
    return settings.load(["video=demo", *overrides])


def test_every_preset_is_valid_and_says_what_it_is_for() -> None:
    assert [preset.name for preset in own_presets()] == ["cutout", "portrait", "square", "study"]
    for preset in own_presets():
        assert load(f"preset={preset.name}") != load()
        assert f"preset={preset.name} " in manual() and preset.sentence.endswith(".")
        assert max(map(len, preset_lines().splitlines()[1:])) <= 125


def test_the_presets_choose_what_they_promise() -> None:
    portrait, study, cutout = (load(f"preset={name}") for name in ("portrait", "study", "cutout"))
    assert (portrait.crop.mode, portrait.crop.output) == (CropMode.follow, [1080, 1920])
    assert load("preset=square").crop.output == [1080, 1080]
    assert study.border.mode is BorderMode.constant and study.comparison.labels
    assert set(study.exports) == {Export.events, Export.angles} and set(study.overlay.numbers) == set(OverlayNumber)
    assert cutout.background.mode is BackgroundMode.transparent and cutout.outputs == [Output.person, Output.masks]


def test_what_is_typed_counts_more_than_the_preset() -> None:
    config = load("preset=study", "border=blur", "outputs=[pose]", "exports=[]")
    assert (config.border.mode, config.outputs, config.exports) == (BorderMode.blur, [Output.pose], [])


def test_an_unknown_preset_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(SettingError, match=r"^preset: there is no 'portait'; choose one of .*portrait, square, study$"):
        load("preset=portait")


def test_a_users_own_preset_is_listed_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "stillwalk" / "preset"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(MINE)
    (folder / "noted.yaml").write_text("# Noted.\n", encoding="utf-8-sig")  # as some editors save it
    (folder / "square.yaml").write_text("# not ours\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    sentences = dict(presets())
    assert sentences["mine"] == "Square and blurred." and sentences["noted"] == "Noted."
    assert sentences["square"] != "not ours"
    command = [sys.executable, "-m", "flows.stabilize", "video=demo", "preset=mine", "--cfg", "job"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "mode: blur" in shown and "height: 0.7" in shown and "- 1080" in shown
