"""The scatter chart of an index: places, marks, ticks, names."""

import re
import subprocess
import sys
from itertools import pairwise

import pytest

from flows.report.scatter import BOTTOM, LEFT, MOST_STEPS, RIGHT, TOP, VIDEO_COLORS, Axis, ScatterPoint, index_scatter
from tests.support.program import ROOT


def point(shown: float, lock: float, video: str = "a", *, pareto: bool = True, best: bool = False) -> ScatterPoint:
    return ScatterPoint(shown, lock, video, pareto, best, f"{video} at {lock}")


def places(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'<use href="[^"]*" x="([^"]*)" y="([^"]*)"', svg)]


@pytest.mark.parametrize(
    "values",
    [
        [(100.0, 0.0)],
        [(88.2, 0.54), (88.2, 0.54)],
        [(2.0, 1400.0), (55.0, 30.0), (99.9, 0.01)],
        [(97.2, 0.01), (97.3, 0.011)],
    ],
)
def test_every_mark_lies_within_the_axes_in_its_order(values: list[tuple[float, float]]) -> None:
    found = places(index_scatter([point(*one) for one in values]))
    assert len(found) == len(values)
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in found)
    for (one, x_px, y_px), (other, *there_px) in pairwise([(one, *at) for one, at in zip(values, found, strict=True)]):
        assert (x_px < there_px[0]) == (one[0] < other[0])
        assert (y_px > there_px[1]) == (one[1] < other[1])  # less is lower


def test_a_mark_lies_where_the_ticks_say() -> None:
    svg = index_scatter([point(80.0, 0.2), point(90.0, 0.4), point(97.0, 0.9)])
    texts = re.findall(r'text-anchor: (\w+); [^"]*" x="([^"]*)" y="([^"]*)">([\d.]+)<', svg)
    across = {float(text): float(x) for anchor, x, _, text in texts if anchor == "middle"}
    up = {float(text): float(y) - 4.7 for anchor, _, y, text in texts if anchor == "end"}
    (x80, y02), (x90, y04), _ = places(svg)
    assert (across[80.0], across[90.0]) == pytest.approx((x80, x90), abs=0.02)
    assert (up[0.2], up[0.4]) == pytest.approx((y02, y04), abs=0.02)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 0.0123), (0.0, 1.0), (96.0, 100.0), (-3.0, 4.0), (0.0, 17.5), (0.0, 9e5)]
)
def test_ticks_are_few_and_differ(low: float, high: float) -> None:
    texts = [text for _, text in Axis(low, high, 0.0, 1.0).ticks()]
    assert 3 <= len(texts) <= MOST_STEPS + 1
    values = [float(text) for text in texts]
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in values)
    steps = [after - before for before, after in pairwise(values)]
    assert steps == pytest.approx([steps[0]] * len(steps)) and steps[0] > 0


def test_each_of_a_few_videos_has_a_colour_and_a_mark_of_its_own() -> None:
    few = [f"video {number}" for number in range(len(VIDEO_COLORS))]
    svg = index_scatter([point(90.0 + place, 1.0, video) for place, video in enumerate(few)])
    assert len(set(re.findall(r'<use href="([^"]*)"', svg))) == len(few)
    assert {f"fill: var(--{color})" in svg for color in VIDEO_COLORS} == {True}
    many = index_scatter([point(90.0, 1.0, video) for video in [*few, "one more"]])
    assert len(set(re.findall(r'<use href="([^"]*)"', many))) == 1


def test_what_is_not_on_the_front_is_hollow_and_the_best_is_large() -> None:
    svg = index_scatter([point(90.0, 1.0, best=True), point(91.0, 2.0, pareto=False), point(92.0, 3.0)])
    marks = re.findall(r'<use href="#([^"]*)"[^>]*fill: var\(--(\w+)\); stroke: var\(--(\w+)\)', svg)
    assert marks == [
        ("scatter-mark-0-best", "v0", "ink"),
        ("scatter-mark-0", "card", "v0"),
        ("scatter-mark-0", "v0", "v0"),
    ]
    (front,) = re.findall(r'<path d="(M [^"]*)" style="fill: none; stroke: var\(--v0\)', svg)
    (best, _, last) = places(svg)
    assert front == f"M {best[0]:.2f} {best[1]:.2f} L {last[0]:.2f} {last[1]:.2f}"


def test_a_name_brings_no_markup() -> None:
    svg = index_scatter([point(90.0, 1.0, '<b>"&')])
    assert "<b>" not in svg
    assert 'aria-label="&lt;b&gt;&#34;&amp; at 1.0"' in svg


def test_the_index_loads_no_library_for_tables_charts_or_pictures() -> None:
    code = (
        "import sys; from flows.report.index_page import render_index; import flows.results.joined_index\n"
        "from tests.flows.report.test_index_page import sweep; from flows.results import index\n"
        "found = sweep(); render_index(found); done = [one | {'path': '', 'ran': 1} for one in found['rows'][:6]]\n"
        "from pathlib import Path; rows = index.merge_rows([], done, Path('/none'))\n"
        "index.rank_settings(found['settings'], rows); index._csv_text(rows)\n"
        "print(sorted({'matplotlib', 'pandas', 'cv2', 'av', 'scipy', 'pyarrow', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
