"""The report and the index in a real browser, from the disk: nothing is asked of a network, and what moves moves."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from flows.report.index_page import render_index
from tasks.media.report.charts import AXES_BOTTOM, AXES_LEFT, AXES_RIGHT, AXES_TOP
from tasks.untrusted.corrections_file import read_corrections
from tests.flows.report.test_index_page import sweep
from tests.support import program
from tests.support.chromium import Page, browser

SMALL = ("demo.seconds=2", "demo.width=480", "demo.height=270", "encode.preset=ultrafast")
TIMES = "[...document.querySelectorAll('canvas')].map((pane) => Number(pane.dataset.time))"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile") / "new") as tab:
        tab.show(1280, 900)
        yield tab


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, api: str, page: Page) -> Path:
    """A folder with the drawn walker's results, a failed video's, and those of the walker under a name of its own."""
    home = tmp_path_factory.mktemp("pages")
    (home / "broken.mp4").write_text("no video")
    asked = ("outputs=[stabilized,comparison,pose]", *SMALL)
    done = program.run("video=[demo,broken.mp4]", *asked, cwd=home, api=api)
    assert done.status == 1, done.err
    (drawn,) = (home / "outputs" / ".cache" / "demo").glob("*/demo.mp4")
    shutil.copy(drawn, home / "my #1 walk (50%).mp4")
    done = program.run("video=my #1 walk (50%).mp4", "outputs=[stabilized]", SMALL[-1], cwd=home, api=api)
    assert done.status == 0, done.err
    return home / "outputs"


def opened(page: Page, file: Path) -> None:
    """Open a page and forget what earlier ones asked for."""
    page.requests.clear()
    page.complaints.clear()
    page.open(file)


def quiet(page: Page) -> bool:
    """Whether the page has asked for files beside it only, and the console is empty."""
    foreign = [url for url in page.requests if not url.startswith(("file:", "data:"))]
    assert foreign == []
    assert page.complaints == []
    return True


def test_the_two_halves_of_the_comparison_play_in_step(page: Page, made: Path) -> None:
    opened(page, made / "demo" / "report.html")
    assert (made / "demo" / "report.html").stat().st_size < 1_500_000
    page.until("document.querySelectorAll('canvas')[1].dataset.time !== undefined")
    assert page.value("document.querySelectorAll('video').length") == 1
    assert page.value("getComputedStyle(document.querySelector('video')).display") == "none"
    page.value("document.querySelector('.controls button').click()")
    page.until("document.querySelector('video').currentTime > 0.4")
    first, second = page.value(TIMES)
    assert first == second > 0
    page.value("document.querySelector('.controls button').click()")
    page.until("document.querySelector('video').paused")
    sizes = page.value("[...document.querySelectorAll('canvas')].map((pane) => [pane.width, pane.height])")
    assert sizes == [[480, 270], [480, 270]]
    assert quiet(page)


def test_a_click_on_a_chart_goes_to_that_moment(page: Page, made: Path) -> None:
    opened(page, made / "demo" / "report.html")
    page.until("document.querySelector('video').readyState >= 2")
    box = page.value(
        "(() => { const box = document.querySelector('.timed'); box.scrollIntoView();"
        " const {x, y, width, height} = box.getBoundingClientRect(); return [x, y, width, height] })()"
    )
    x, y, width, height = box
    for kind in ("mousePressed", "mouseReleased"):
        at = {"x": x + width * (AXES_LEFT + AXES_RIGHT) / 2, "y": y + height / 2}
        page.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
    page.until("!document.querySelector('video').seeking && document.querySelector('video').currentTime > 0")
    assert page.value("document.querySelector('video').currentTime") == pytest.approx(1.0, abs=0.05)
    assert page.value("document.querySelector('.cursor').style.display") == "block"
    top, bottom = page.value(
        "(() => { const [box, mark] = ['.timed', '.cursor'].map((one) => document.querySelector(one)"
        ".getBoundingClientRect()); return [box.bottom - mark.top, box.bottom - mark.bottom] })()"
    )
    assert (bottom / height, top / height) == pytest.approx((AXES_BOTTOM, AXES_TOP), abs=0.005)  # not over the labels


def clicked_lines(page: Page, seconds: Sequence[float]) -> str:
    """The lines that the report offers after a click on the original at each of these times of the player."""
    page.until("document.querySelectorAll('canvas')[1].dataset.time !== undefined")
    for second in seconds:
        page.value(f"document.querySelector('video').currentTime = {second}")
        page.until(f"Math.abs(document.querySelector('canvas').dataset.time - {second}) < 0.01")
        page.value(
            "(() => { const pane = document.querySelector('canvas'), area = pane.getBoundingClientRect();"
            " const [clientX, clientY] = [area.left + area.width / 4, area.top + area.height / 2];"
            " pane.dispatchEvent(new MouseEvent('click', { clientX, clientY })); })()"
        )
    return str(page.value("document.querySelector('pre.by-hand').textContent"))


def test_a_click_on_the_original_gives_the_line_that_corrects_its_frame(page: Page, made: Path, tmp_path: Path) -> None:
    opened(page, made / "demo" / "report.html")
    (tmp_path / "corrections.csv").write_text(clicked_lines(page, (1.2, 0.4)))
    points = read_corrections(tmp_path / "corrections.csv").points
    assert [frame for frame, _, _ in points] == [12, 36]
    assert np.abs(np.array([point[1:] for point in points]) - (119.5, 134.5)).max() < 1.5  # whole pixels of the screen
    assert quiet(page)


def test_a_click_names_the_frame_of_a_part_whose_frames_are_uneven(page: Page, made: Path) -> None:
    text = (made / "demo" / "report.html").read_text()
    uneven = re.sub(r'data-runs="[^"]*"', 'data-runs="[[0,10,0.1],[5,10.5,0.02],[9,10.8,0]]"', text)
    uneven = re.sub(r'data-frames="\d+"', 'data-frames="10"', uneven).replace('data-start="0.0"', 'data-start="10"', 1)
    (made / "demo" / "uneven.html").write_text(uneven)
    opened(page, made / "demo" / "uneven.html")
    lines = clicked_lines(page, (0.05, 0.4, 0.549, 0.7, 0.85, 1.2)).splitlines()
    assert [line.partition(",")[0] for line in lines] == ["frame", "0", "4", "7", "8", "9"]


def test_the_original_where_it_lies_plays_in_step_with_the_stabilized(page: Page, made: Path) -> None:
    opened(page, made / "my #1 walk (50%)" / "report.html")
    page.until("[...document.querySelectorAll('video')].every((video) => video.readyState >= 2)")
    assert page.value("[...document.querySelectorAll('video')].map((video) => video.videoWidth)") == [480, 480]
    page.value("document.querySelector('.controls button').click()")
    both = "(([lead, other]) => lead.currentTime > 0.5 && Math.abs(other.currentTime - lead.currentTime) < 0.1)"
    page.until(f"{both}([...document.querySelectorAll('video')])")
    page.value(
        "(() => { const bar = document.querySelector('.controls input');"
        " bar.value = 1.5; bar.dispatchEvent(new Event('input')) })()"
    )
    page.value("document.querySelectorAll('video').forEach((video) => video.pause())")
    page.until("[...document.querySelectorAll('video')].every((video) => video.currentTime >= 1.45)")
    assert quiet(page)


def nothing_known(path: Path) -> None:
    path.write_text("of a codec that nobody knows")


def only_sound(path: Path) -> None:
    """What a browser without the picture's codec makes of a video with sound."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=48_000)
        for number in range(60):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48_000, 1024 * number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


@pytest.mark.parametrize("written", [nothing_known, only_sound])
def test_what_the_browser_cannot_play_is_said_and_the_pictures_stay(
    page: Page, made: Path, written: Callable[[Path], None]
) -> None:
    copy = made.parent / f"unplayable, {written.__name__}"
    shutil.copytree(made / "demo", copy, dirs_exist_ok=True)
    written(copy / "comparison.mp4")
    opened(page, copy / "report.html")
    page.until("document.querySelector('.player .warn') !== null")
    assert "cannot play comparison.mp4" in page.value("document.querySelector('.player .warn').textContent")
    assert page.value("document.querySelector('.controls').hidden")
    assert page.value("document.querySelectorAll('.player canvas').length") == 0
    assert page.value("document.querySelector('.contact').naturalWidth") > 1000


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_charts_labels_can_be_read_and_lie_in_their_chart(page: Page, made: Path, width: int, height: int) -> None:
    page.show(width, height)
    opened(page, made / "demo" / "report.html")
    heights, outside = page.value(
        "(() => { const texts = [...document.querySelectorAll('.charts svg text')].map((text) =>"
        " [text.textContent, text.getBoundingClientRect(), text.closest('svg').getBoundingClientRect(),"
        " parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a]);"
        " return [texts.filter(([name]) => /[0-9]/.test(name)).map(([name, box, chart, size]) => size),"
        " texts.filter(([name, box, chart]) => box.left < chart.left || box.right > chart.right"
        " || box.bottom > chart.bottom).map(([name]) => name)] })()"
    )
    assert len(heights) > 10 and min(heights) >= 11.5
    assert outside == []
    page.show(1280, 900)


def test_a_failed_video_says_what_and_the_cure(page: Page, made: Path) -> None:
    opened(page, made / "broken" / "report.html")
    told = page.value("document.querySelector('.failed').innerText")
    reason = program.record(made / "broken")["error"]
    fact, _, cure = reason.partition("; ")
    assert fact in told
    assert f"What to do: {cure}" in told
    assert page.value("document.querySelectorAll('video, script').length") == 0
    assert quiet(page)


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_its_window(page: Page, made: Path, width: int, height: int, scheme: str) -> None:
    (made / "index.html").write_text(render_index(sweep()), encoding="utf-8")
    page.show(width, height, scheme=scheme)
    for name in ("demo/report.html", "broken/report.html", "index.html"):
        opened(page, made / name)
        assert page.value("document.documentElement.scrollWidth") <= width, name
        dark = page.value("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 25)"
        assert dark == (scheme == "dark")
    page.show(1280, 900)


def test_a_table_sorts_by_click_and_by_keyboard(page: Page, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(render_index(sweep()), encoding="utf-8")
    opened(page, tmp_path / "index.html")
    column = (
        "[...document.querySelectorAll('#all tbody tr:not(.failed)')].map((row) => Number(row.cells[3].dataset.value))"
    )
    last = "document.querySelector('#all tbody').lastElementChild.className"
    head = "document.querySelectorAll('#all thead th')[3]"
    page.value(f"{head}.querySelector('button').click()")
    values = page.value(column)
    assert values == sorted(values)
    assert page.value(f"{head}.getAttribute('aria-sort')") == "ascending"
    assert page.value(last) == "failed"
    page.value(f"{head}.querySelector('button').focus()")
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert page.value(column) == sorted(values, reverse=True)
    assert page.value(last) == "failed"
    assert quiet(page)


def test_a_point_of_the_scatter_has_a_name(page: Page, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(render_index(sweep()), encoding="utf-8")
    opened(page, tmp_path / "index.html")
    page.value("document.querySelectorAll('.point')[1].focus()")
    told = page.value("document.querySelector('.point-name').textContent")
    assert told == page.value("document.querySelectorAll('.point')[1].getAttribute('aria-label')")
    assert "px from the target" in told
    assert page.value("document.querySelectorAll('b, script, i').length") == 2  # the page's own: names bring none


def test_the_page_lists_what_the_run_said(made: Path) -> None:
    text = (made / "demo" / "report.html").read_text()
    record = json.loads((made / "demo" / "run.json").read_text())
    assert all(stage["key"] in text for stage in record["stages"])
    assert "demo.width" in text
    assert text.count("<svg") == 4
