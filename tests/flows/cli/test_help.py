"""Help: a short text, all settings, or those of one section."""

import sys

import pytest

from flows.cli import command
from flows.cli.help import COMMON_SETTINGS, help_topic, manual
from tasks.errors import SettingError


def test_the_short_help_lists_the_common_settings_in_groups() -> None:
    text = manual()
    for head, names in COMMON_SETTINGS.items():
        assert f"\n{head}:\n  {names[0]}=" in text
        assert all(text.count(f"  {name}=") >= 1 for name in names)
    assert "  demo." not in text and "--help=all" in text
    assert len(text.splitlines()) < 100 < len(manual("all").splitlines())


def test_the_help_of_a_section_lists_its_settings_only() -> None:
    lines = [line for line in manual("crop").splitlines() if not line.startswith("   ")]
    assert lines and all(line.startswith("  crop.") for line in lines)


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_help_fits_the_terminal_and_says_the_same(columns: int) -> None:
    wide, text = manual("all"), manual("all", columns)
    assert text.split() == wide.split()
    long = [line.strip() for line in text.splitlines() if len(line) > columns]
    assert all(" " not in line or "=" in line or "/" in line for line in long)  # names, values and paths stay whole


@pytest.mark.parametrize(
    ("arguments", "topic"),
    [
        (["--help"], ""),
        (["video=demo", "-h"], ""),
        (["help"], ""),
        (["--help=all"], "all"),
        (["help", "crop"], "crop"),
        (["--help", "crop"], "crop"),
        (["--help", "video=walk.mp4"], ""),
        (["video=help"], None),
    ],
)
def test_help_is_asked_for_in_several_ways(arguments: list[str], topic: str | None) -> None:
    assert help_topic(arguments) == topic


def test_an_unknown_topic_is_one_line_with_the_sections(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        SettingError, match=r"^--help=croop: there is no such section; give all, or one of clip, decode, "
    ):
        manual("croop")
    monkeypatch.setattr(sys, "argv", ["stillwalk", "help", "croop"])
    with pytest.raises(SystemExit) as ended:
        command.run_command_line()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("stillwalk: --help=croop: ")
