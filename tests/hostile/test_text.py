"""Names, tags and errors that try to be more than text: on the terminal, in tables, in Markdown, in pages."""

import csv
import json
import re
from io import StringIO
from pathlib import Path
from typing import cast

import av
import pytest
from markdown_it import MarkdownIt

from flows.cli.terminal_text import PrintableStream
from flows.prefect_server import artifact_text
from flows.report.page import template_environment
from flows.results.result import Result, StageRun
from flows.videos import Video
from tasks.media.input.probe import declared_frames
from tasks.untrusted.plain_text import csv_cell, escape_markdown, one_line, printable_lines
from tests.support import program
from tests.support.chromium import Page, browser

ESCAPES = "\x1b]0;mine\x07\x1b[2J\x9b31m\u202etxt\u2066\r\n\x7f\u2028"
MARKUP = "<img src=x onerror=hit=1><svg onload=hit=1>"
NAME = f"=cmd|'`x` [a](b) {MARKUP}\" {ESCAPES}"
SCRIPT = "</script><script>hit=1</script>"


def test_a_line_has_no_control_characters_and_lines_only_their_ends() -> None:
    assert one_line("Übung [2] – 日本 🙂") == "Übung [2] – 日本 🙂"
    assert one_line("a\x1b[2J\n\x9b\u202e") == r"a\x1b[2J\n\x9b\u202e"
    assert printable_lines("a\n\tb\x1b") == "a\n\tb\\x1b"
    for text in (one_line(ESCAPES), printable_lines(ESCAPES).replace("\n", "")):
        assert text.isprintable()


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", " =", "\t@"])
def test_text_that_a_spreadsheet_would_evaluate_is_quoted_and_numbers_are_not(sign: str) -> None:
    assert csv_cell(f"{sign}1+1") == f"'{sign}1+1"
    assert [csv_cell(value) for value in (-1.5, -2, None, True, "a=b", "")] == [-1.5, -2, None, True, "a=b", ""]
    assert csv_cell(f"walk\r{sign}1+1,\n") == f"walk\\r{sign}1+1,\n"


def test_no_way_of_printing_passes_control_characters() -> None:
    inside = StringIO()
    stream = PrintableStream(inside)
    print(f"a{ESCAPES}b", file=stream)
    stream.writelines(["\x1b[1m", "c"])
    assert "\x1b" not in inside.getvalue()
    assert stream.isatty() is False


def hostile(folder: Path) -> Result:
    error = f"`code` {MARKUP} | a | b |\n\n# head\n\n[a](javascript:hit=1) <http://evil.example> www.evil.example"
    stages = [StageRun("pose", "", "pose-1", "cached", 0.0)]
    metrics = {"planned": {"lock_rms": 1.0}, "units": {"lock_rms": f"`px`{MARKUP}"}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return Result(Video(NAME, folder), error, folder, stages, warnings=[error], summary=[error], setting=NAME)


@pytest.mark.parametrize("failed", [True, False])
def test_names_and_errors_format_nothing_in_markdown(tmp_path: Path, failed: bool) -> None:
    folder = tmp_path / f"`a` {MARKUP}"
    folder.mkdir()
    found = hostile(folder)
    text = artifact_text.report_markdown(found if failed else Result(**{**vars(found), "error": ""}), b"")
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    tags = set(re.findall(r"</?([a-z0-9]+)", page))
    assert tags <= {"h1", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.count("<h1>") == 1
    assert "\x1b" not in text
    assert not re.search(r"(?<!\\)`|(?<!\\)://|www\.", text)
    cells = artifact_text.results_table([found])[0]
    assert cells["video"] == escape_markdown(NAME)
    assert cells["setting"] == escape_markdown(NAME)
    assert cells["result"] == f"FAILED: {escape_markdown(found.error)}"
    assert "<" not in MarkdownIt("commonmark", {"html": True}).renderInline(cells["result"]).replace("&lt;", "")
    name = artifact_text.run_name([NAME], [[f"a={ESCAPES}"]])
    assert name.isprintable()
    assert "[" not in name


@pytest.mark.parametrize("tag", ["9" * 6000, "-1", "1e9", "٣", "x\x1b"])
def test_a_tag_that_is_no_count_is_ignored(tag: str) -> None:
    class Stream:
        frames = 0
        metadata = {"NUMBER_OF_FRAMES": tag}  # noqa: RUF012

    frames = declared_frames(cast(av.container.InputContainer, None), cast(av.VideoStream, Stream()))
    assert frames in (0, 3)


def tagged(source: Path, target: Path) -> None:
    """The same video with tags that try everything."""
    tag = f"{SCRIPT}{MARKUP}{ESCAPES}=1+1`"
    with av.open(str(source)) as found, av.open(str(target), "w", format="matroska") as made:
        stream = made.add_stream_from_template(found.streams.video[0])
        for name in ("title", "comment", "artist", "encoder"):
            made.metadata[name] = tag
        stream.metadata["language"] = tag
        stream.metadata["handler_name"] = tag
        stream.metadata["NUMBER_OF_FRAMES"] = "9" * 5000
        for packet in found.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, finished: Path, api: str) -> tuple[Path, list[program.Ended]]:
    """A sweep over a video of a hostile name with hostile tags, and over a broken one of another."""
    home = tmp_path_factory.mktemp("named")
    (drawn,) = (finished / "outputs" / ".cache" / "demo").glob("*/demo.mp4")
    (home / "clips").mkdir()
    tagged(drawn, home / "clips" / f"{NAME}.mkv")
    (home / "clips" / f"+broken{MARKUP}{ESCAPES}.mp4").write_text("no video")
    asked = ("video=clips", "smoothing.window=5,7", "sweep.name=x", "outputs=[stabilized]", "encode.preset=ultrafast")
    runs = [program.run("-m", *asked, cwd=home, api=api), program.run("-m", *asked, "plan=true", cwd=home, api=api)]
    runs.append(program.run("video=clips/nothing\x1b[2J\n.mp4", cwd=home, api=api))
    runs.append(program.run("output_dir=outputs", cwd=home, api=api))
    runs.append(program.run("cache", cwd=home, api=api))
    return home, runs


def test_no_name_or_tag_sends_control_sequences_to_the_terminal(swept: tuple[Path, list[program.Ended]]) -> None:
    for done in swept[1]:
        assert "Traceback" not in done.err
        for line in (done.out + done.err).split("\n"):
            assert line.isprintable(), repr(line)
    first = swept[1][0]
    assert "1 of 2" not in first.out  # two settings of two videos
    assert "2 of 4 results done, 2 failed" in first.out, first.err


def test_no_cell_of_the_table_is_a_formula(swept: tuple[Path, list[program.Ended]]) -> None:
    (table,) = (swept[0] / "outputs").rglob("sweep.csv")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["video"][:2] for row in rows} == {"'=", "'+"}
    for row in rows:
        for name, text in row.items():
            assert text.isprintable() or name in ("path", "error")
            assert not text.startswith(("=", "+", "-", "@")) or re.fullmatch(r"-?[.\de+-]+", text), (name, text)


def test_names_and_tags_run_nothing_in_reports_and_the_index(
    swept: tuple[Path, list[program.Ended]], tmp_path: Path
) -> None:
    found = sorted((swept[0] / "outputs").rglob("*.html"))
    assert {path.name for path in found} == {"index.html", "report.html"}
    with browser(tmp_path / "profile") as page:
        for path in found:
            unmoved(page, path)


def unmoved(page: Page, path: Path) -> None:
    """Nothing ran, nothing foreign was made or asked for."""
    page.requests.clear()
    page.complaints.clear()
    page.open(path)
    assert page.value("typeof hit") == "undefined", path
    assert page.value("document.querySelectorAll('img[src=x], svg[onload], [onerror]').length") == 0
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
    assert page.complaints == []


def test_templates_escape_every_value() -> None:
    assert template_environment().autoescape is True
    assert (
        template_environment().from_string("{{ a }}").render(a=SCRIPT)
        == "&lt;/script&gt;&lt;script&gt;hit=1&lt;/script&gt;"
    )
