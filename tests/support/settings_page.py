"""``docs/settings.md``: its tables are written from ``stillwalk --help``, by ``make docs``.

python -m tests.support.settings_page
"""

import re
from collections.abc import Iterator
from pathlib import Path

from flows.cli.help import manual

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "settings.md"
MARK = "<!-- Everything below is written by `make docs`. -->\n"
FIRST = "The run"  # heading of the settings that have no section
SETTING = re.compile(r"  ([\w.]+)=(\S*) *(.*?) ?(?:\((\w+(?:\|\w+)+)\))?")


def renewed(page: str) -> str:
    """``page`` with new tables; what stands above the mark stays."""
    return page.partition(MARK)[0] + MARK + "\n".join(_tables())


def _tables() -> Iterator[str]:
    settings = manual().partition("name=value:\n")[2].partition("\n--cfg job")[0].strip("\n")
    for section in settings.split("\n\n"):
        rows = [match.groups() for line in section.splitlines() if (match := SETTING.fullmatch(line))]
        assert len(rows) == len(section.splitlines()), f"a line is not a setting: {section}"
        name, dot, _ = rows[0][0].partition(".")
        yield f"\n## {f'`{name}`' if dot else FIRST}\n"
        if presets := sorted(path.stem for path in (ROOT / "conf" / name).glob("*.yaml")):
            yield f"Presets: {', '.join(f'`{name}={preset}`' for preset in presets)}.\n"
        yield "| setting | default | meaning | choices |\n| --- | --- | --- | --- |"
        for setting, default, meaning, choices in rows:
            escaped = meaning.replace("|", "\\|").replace("<", "&lt;")
            each = ", ".join(f"`{choice}`" for choice in (choices or "").split("|") if choice)
            yield f"| `{setting}` | `{default.replace(',', ', ')}` | {escaped} | {each} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
