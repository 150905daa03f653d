"""The pages say the truth: commands are accepted, links lead somewhere, the settings are the program's."""

import ast
import builtins
import importlib.util
import itertools
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy
import pytest

from flows.cli import cache_commands, index_command, models_command
from flows.cli.help import manual
from flows.config import settings
from flows.config.overrides import check_overrides, quote_argument, sweep_combinations
from stillwalk.runs import _overrides
from tasks.media.files.masks_file import CHUNK_FRAMES, Mask, MaskState, mask_writer
from tests.flows.config.composing import compose_once
from tests.support.settings_page import renewed

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))}
README_MOST_LINES, README_MOST_BYTES = 130, 9_000
MOST_PAGES = 15  # of a folder
LONGEST_LINE = 127  # of running text, in characters
SETTING = re.compile(r"([a-z][a-z_]*(?:\.[a-z_0-9]+)*)=(.+)")
PLACEHOLDER = re.compile(r"\.\.\.|=[A-Z]$|<|^name=value$")  # as in pose.every=N and output_dir=...


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)


def fenced(page: str) -> Iterator[str]:
    """Lines of the code blocks of a page, those that end in a backslash joined with the next."""
    for block in re.findall(r"^```\w*\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()


def inline(page: str) -> list[str]:
    """Code in the running text and in tables of a page, without the tables that come from the program itself."""
    prose = re.sub(r"^```.*?^```", "", page.partition("<!-- Everything below")[0], flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def words(line: str) -> list[str]:
    """The words of a command line from the program's name on; none where it is no command of ours."""
    line = re.sub(r"\$\w+", "1", line)  # a number of an array job
    found = re.match(r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(stillwalk|python|make)( .*)?$", line)
    return shlex.split(found[1] + (found[2] or ""), comments=True) if found else []


CURRENT = {name: page for name, page in PAGES.items() if name != "CHANGELOG.md"}  # which also names what is gone
COMMANDS = sorted(
    {(name, line) for name, page in CURRENT.items() for line in (*fenced(page), *inline(page)) if words(line)}
)
INLINE_SETTINGS = sorted(
    {
        (name, code)
        for name, page in CURRENT.items()
        for code in inline(page)
        if all(SETTING.fullmatch(word) for word in code.split(" ")) and not PLACEHOLDER.search(code)
    }
)


def accept(given: list[str]) -> None:
    """Check settings as the program does before a run; ``SettingError`` for one that is wrong."""
    sweep = "-m" in given
    overrides = [quote_argument(word, sweep=sweep) for word in given if word != "-m"]
    check_overrides(overrides)
    for setting in sweep_combinations(overrides)[0] if sweep else [overrides]:
        settings.load(setting)


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_of_the_pages_is_accepted(
    page: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *given = words(line)
    if program == "make":
        targets = re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert {word for word in given if "=" not in word} <= set(targets)
    elif program == "python":
        assert given[0] == "-m"
        assert importlib.util.find_spec(given[1]) is not None
    elif given[:1] == ["cache"]:
        assert (
            cache_commands.run_cache_command([*given[1:], f"output_dir={tmp_path}"]) == 2
        )  # understood, but nothing is there
        assert "there is no cache at" in capsys.readouterr().err
    elif "--config-dir" in given:
        assert given[:4:2] == ["--config-dir", "--config-name"]
        accept(given[4:])
    elif given[:1] == ["models"]:
        models_command.parse_options(given[1:])
    elif given[:1] == ["index"]:
        index_command.parse_folders(given[1:])
    elif given and given[0] not in {"serve", "ui", "--help", "--help=all", "-sc", "..."}:
        accept(given)


@pytest.mark.parametrize(("page", "code"), INLINE_SETTINGS)
def test_a_setting_of_the_pages_is_accepted(page: str, code: str) -> None:
    given = code.split(" ")
    names = {word.partition("=")[0] for word in given}
    if not names & {"PORT", "VIDEO", "PREFECT_API_URL"}:
        accept(given if "video" in names else ["video=demo", *given])


def test_a_setting_that_the_page_about_python_gives_is_accepted() -> None:
    page = PAGES["docs/python.md"]
    trees = [ast.parse(block) for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL)]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call.keywords for call in calls if ast.unparse(call.func) == "stabilize"]
    given = [_overrides(str(one.arg), ast.literal_eval(one.value)) for keywords in named for one in keywords]
    listed = re.findall(r'`\["(.+?)"\]`', page)
    assert given and listed
    accept(["video=demo", *itertools.chain(*given), *listed])


def test_enough_commands_were_found() -> None:
    assert len([line for _, line in COMMANDS if "stillwalk" in line]) > 25
    assert len(INLINE_SETTINGS) > 40


def test_the_settings_page_is_the_programs() -> None:
    """Renew it with `make docs`."""
    page = PAGES["docs/settings.md"]
    assert renewed(page) == page


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= README_MOST_LINES
    assert README.stat().st_size <= README_MOST_BYTES


def test_a_folder_of_pages_is_short_enough_to_be_looked_through() -> None:
    folders = [ROOT / "docs", *(path for path in (ROOT / "docs").iterdir() if path.is_dir())]
    assert {
        path.name: len(list(path.glob("*.md"))) for path in folders if len(list(path.glob("*.md"))) > MOST_PAGES
    } == {}


@pytest.mark.parametrize("page", sorted(CURRENT))
def test_running_text_of_the_pages_fits_into_a_terminal_and_breaks_no_code(page: str) -> None:
    own = PAGES[page].partition("<!-- Everything below")[0]
    lines = re.sub(r"^ *```.*?^ *```", "", own, flags=re.MULTILINE | re.DOTALL).splitlines()
    assert [line for line in lines if len(line) > LONGEST_LINE and not line.startswith(("|", "!["))] == []
    assert [line for line in lines if line.count("`") % 2] == []


def test_help_and_readme_name_both_causes_of_exit_status_1() -> None:
    for text in (README.read_text(), manual()):
        assert re.search(r" 1 .*or (when )?standard output could not be written[,.]", " ".join(text.split()))


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", PAGES[page]):
        place, _, heading = target.partition("#")
        path = (ROOT / page).parent / place if place else ROOT / page
        assert path.exists(), target
        if heading:
            assert heading in headings(path.read_text()), target


def headings(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    plain = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", plain, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", sorted(CURRENT))
def test_files_that_the_pages_name_exist(page: str) -> None:
    for name in re.findall(r"\b(?:conf|flows|tasks|tests|docs)/[\w/]+\.(?:py|md|yaml)\b", PAGES[page]):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", ["docs/guides/gait.md", "docs/guides/machine-learning.md"])
def test_the_lines_of_python_for_an_export_import_what_they_use(page: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGES[page], re.DOTALL)
    assert len(blocks) >= 3
    for nodes in (list(ast.walk(ast.parse(block))) for block in blocks):
        imported = {(one.asname or one.name) for node in nodes for one in getattr(node, "names", ())}
        names = [node for node in nodes if isinstance(node, ast.Name)]
        made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        assert {node.id for node in names} <= imported | made | set(dir(builtins))


def test_the_lines_of_python_write_a_table_of_many_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"```python\n(import json\nfrom pathlib.*?)```", PAGES["docs/guides/gait.md"], re.DOTALL)
    assert found is not None
    walked = {"lengths_why_not": "", "figures": {"stride_s": {"mean": 1.05, "deviation": 0.02, "count": 5}}}
    for name, facts in (("two/person-1", walked), ("ran", {"lengths_why_not": "the person runs", "figures": {}})):
        folder = tmp_path / "outputs" / name / "exports"
        folder.mkdir(parents=True)
        (folder / "events.json").write_text(json.dumps(facts))
    monkeypatch.chdir(tmp_path)
    exec(found[1], {})
    lines = (tmp_path / "gait.csv").read_text().splitlines()
    assert lines == ["clip,why_not,stride_s,stride_s_sd", "ran,the person runs,,", "two/person-1,,1.05,0.02"]


def test_the_lines_of_python_join_the_key_points_of_many_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(
        r"```python\n(import json\nfrom pathlib.*?)```", PAGES["docs/guides/machine-learning.md"], re.DOTALL
    )
    assert found is not None
    for name in ("a", "two/person-1"):
        folder = tmp_path / "outputs" / name / "exports"
        folder.mkdir(parents=True)
        images = [{"id": number + 1, "file_name": f"{number:06d}.png"} for number in range(3)]
        people = [{"id": 1, "image_id": 1}, {"id": 2, "image_id": 3}]
        content = {"categories": [{"id": 1, "name": "person"}], "images": images, "annotations": people}
        (folder / "coco.json").write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    exec(found[1], {})
    joined = json.loads((tmp_path / "coco.json").read_text())
    named = {image["id"]: image["file_name"] for image in joined["images"]}
    assert len(named) == 6 and len({one["id"] for one in joined["annotations"]}) == 4
    shown = [named[one["image_id"]] for one in joined["annotations"]]
    assert shown == ["a/000000.png", "a/000002.png", "two/person-1/000000.png", "two/person-1/000002.png"]
    assert joined["categories"] == [{"id": 1, "name": "person"}]


def test_the_lines_of_python_lay_a_mask_over_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"```python\n(import cv2\n.*?)```", PAGES["docs/files.md"], re.DOTALL)
    assert found is not None
    mask = numpy.zeros((8, 8), numpy.uint8)
    mask[:, 4:] = 255  # of a box that reaches 20 px beyond the left and the lower edge: x from 19.5, y to the edge
    box = numpy.array([-20.5, 9.5, 59.5, 89.5], numpy.float32)
    with mask_writer(tmp_path / "masks.npz") as writer:
        for _ in range(CHUNK_FRAMES):
            writer.write(Mask(numpy.zeros_like(mask), box, MaskState.measured))
        writer.write(Mask(mask, box, MaskState.measured))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"numpy": numpy, "cv2": cv2, "i": CHUNK_FRAMES, "width": 100, "height": 70}
    exec(found[1], names)
    person = names["person"]
    assert person.shape == (70, 100)
    rows, columns = numpy.nonzero(person > 127)
    assert (columns.min(), columns.max(), rows.max()) == (20, 59, 69)
    assert rows.min() in (9, 10)
