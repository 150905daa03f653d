"""``docs/settings.md``: ``make docs`` writes its tables from the settings that ``stillwalk --help=all`` shows.

python -m tests.support.settings_page
"""

from collections.abc import Iterator
from pathlib import Path

from flows.cli.help import setting_sections
from flows.config.presets import own_presets

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "settings.md"
MARK = "<!-- Everything below is written by `make docs`. -->\n"
FIRST = "The run"  # heading of the settings that have no section


def renewed(page: str) -> str:
    """``page`` with new tables; what stands above the mark stays."""
    return page.partition(MARK)[0] + MARK + "\n".join(_tables())


def _tables() -> Iterator[str]:
    for section in setting_sections():
        name, dot, _ = section[0].name.partition(".")
        yield f"\n## {f'`{name}`' if dot else FIRST}\n"
        if presets := sorted(path.stem for path in (ROOT / "conf" / name).glob("*.yaml")):
            shown = [f"`{name}={preset}`" for preset in presets]
            numbers = " A person's number, such as `subject=2`, is one too." if name == "subject" else ""
            yield f"Presets: {', '.join(shown)}.{numbers}\n"
        yield "| setting | default | meaning | choices |\n| --- | --- | --- | --- |"
        for setting in section:
            meaning = setting.sentence.replace("|", "\\|").replace("<", "&lt;")
            choices = ", ".join(f"`{choice}`" for choice in setting.choices)
            yield f"| `{setting.name}` | `{setting.default.replace(',', ', ')}` | {meaning} | {choices} |"
    yield "\n## `preset`\n\n| preset | what it is for |\n| --- | --- |"
    for preset in own_presets():
        yield f"| `preset={preset.name}` | {preset.sentence} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
