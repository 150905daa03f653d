"""The report of one video: metrics, settings, player."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conf.config import Config
from flows.report import page as report_page
from flows.report.gait_table import gait_table
from flows.report.metric_meanings import METRIC_GROUPS, format_number, metric_tables
from flows.report.page import FULL_BOX, choose_player, render_report
from tasks.cache.keys import canonical
from tasks.maths.metrics.lock_metrics import FILE_METRIC_UNITS, METRIC_UNITS
from tasks.records import Artifact, StoredFile
from tests.support.program import ROOT


def record(name: str = "walk", error: str = "", **deliverables: Any) -> dict[str, Any]:
    return {
        "run_id": "run",
        "video": {"name": name, "path": f"/videos/{name}.mp4", "sha256": "0" * 64},
        "error": error,
        "warnings": [],
        "clip": {"width_px": 640, "height_px": 360, "frames": 1, "duration_s": 0.04, "codec": "h264"},
        "stages": [],
        "log": {},
        "memory_peak_mb": 100,
        "config": canonical(Config(video=name)),
        "models": {},
        "versions": {"python": "3.11"},
        "deliverables": {file: {"sha256": "0", "bytes": 1} for file in deliverables.get("files", ())},
    }


def page_of(*about: Any) -> str:
    return render_report(*about).decode()


def rendered(facts: dict[str, Any]) -> Artifact[Any]:
    return Artifact("render", "key", "/cache", {}, facts, "run", 1.0)


def metrics(**verified: float) -> dict[str, Any]:
    planned = dict.fromkeys(METRIC_UNITS, 0.5) | {"lock_rms": 2.0, "new_one": 3.0}
    found: dict[str, Any] = {"planned": planned, "before": {"lock_rms": 8.0}, "units": METRIC_UNITS | {"new_one": "px"}}
    if verified:
        found |= {"verified": verified, "units": found["units"] | FILE_METRIC_UNITS}
    return found


def test_every_metric_has_a_sentence() -> None:
    names = [name for group in METRIC_GROUPS.values() for name in group]
    assert sorted(names) == sorted(METRIC_UNITS)
    assert all(meaning.sentence.endswith(".") for group in METRIC_GROUPS.values() for meaning in group.values())


def test_every_metric_is_shown_and_a_change_has_a_verdict() -> None:
    rows = {row.name: row for _, group in metric_tables(metrics()) for row in group}
    assert set(rows) == {*METRIC_UNITS, "new_one"}
    assert (rows["lock_rms"].before, rows["lock_rms"].after) == ("8.00", "2.00")
    assert (rows["lock_rms"].change, rows["lock_rms"].verdict) == ("−75 %", "good")
    assert (rows["visible_area_mean"].after, rows["visible_area_mean"].unit) == ("50.0", "% of the output")


@pytest.mark.parametrize(
    ("after", "change"), [(8.0, "+0 %"), (2.0, "−75 %"), (0.03, "−99.6 %"), (0.003, "−99.96 %"), (0.0, "−100 %")]
)
def test_a_change_is_rounded_to_minus_100_percent_only_for_zero(after: float, change: str) -> None:
    planned = {"planned": {"lock_rms": after}, "before": {"lock_rms": 8.0}, "units": METRIC_UNITS}
    ((_, (row,)),) = metric_tables(planned)
    assert row.change == change


def test_the_origin_of_the_picture_is_shown() -> None:
    shares = {"own": 0.6, "seen": 0.1, "mirrored": 0.3}
    found = metrics() | {"origin": shares}
    found["units"] = found["units"] | dict.fromkeys(shares, "share of the output")
    tables = dict(metric_tables(found))
    rows = tables["Where the picture comes from"]
    assert [(row.name, row.after, row.unit) for row in rows] == [
        ("own", "60.0", "% of the output"),
        ("seen", "10.0", "% of the output"),
        ("mirrored", "30.0", "% of the output"),
    ]


def test_a_target_that_shows_more_of_the_picture_is_named() -> None:
    run = record() | {"log": {"trajectory": {"natural_area": 0.9}}}
    measured = metrics() | {"before": metrics()["planned"]}
    named = "<code>target=natural</code>"
    assert named not in page_of(record(), measured, {}, Path("/out/walk"))
    assert f"{named}, where the hips stay at their mean height in the source, shows 90.0 %" in page_of(
        run, measured, {}, Path("/out/walk")
    )
    run["config"]["target"] = [320, 180]
    assert named not in page_of(run, measured, {}, Path("/out/walk"))


def test_verified_metrics_come_last_with_their_values_before() -> None:
    title, rows = metric_tables(metrics(residual_step=0.5, residual_step_before=4.0, judged=0.98, lock_rms=2.5))[-1]
    assert "rendered file" in title
    assert [row.name for row in rows] == ["residual_step", "judged", "lock_rms"]
    assert (rows[0].before, rows[0].after, rows[1].after) == ("4.00", "0.50", "98.0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (3, "3"),
        (128.4, "128"),
        (12.34, "12.3"),
        (-1.5, "−1.50"),
        (0.0412, "0.041"),
        (0.0, "0.00"),
        (-0.0001, "0.000"),
    ],
)
def test_numbers_have_three_significant_digits(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_markup_in_a_name_is_escaped_and_one_frame_is_singular() -> None:
    page = page_of(record("<script>alert(1)</script> & co"), {}, {}, Path("/out"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in page
    assert "1 frame," in page


def numbered(folder: Path) -> dict[str, Artifact[Any]]:
    """The stages of a video with two people and a poster, of whom the second is followed."""
    (folder / "person-1.jpg").write_bytes(b"picture of 1")
    seen = {"share": 0.5, "height_px": 180.0, "place": "at the <left>", "why_not": ""}
    people = [seen | {"person": number} for number in (1, 2)]
    people.append(seen | {"person": 3, "why_not": "moves as one rigid piece"})
    files = {"person-1.jpg": StoredFile("0", 12, 0)}
    facts = {"people": people, "everybody": [1, 2]}
    chosen = {"chosen": {"person": 2, "why": "person 2 scores 0.9"}}
    return {
        "people": Artifact("people", "key", str(folder), files, facts, "run", 1.0),
        "subject": Artifact("subject", "key", str(folder), {}, chosen, "run", 1.0),
    }


def test_everybody_is_shown_with_a_picture_and_the_setting_to_type(tmp_path: Path) -> None:
    page = page_of(record(), {}, numbered(tmp_path), Path("/out"))
    assert base64.b64encode(b"picture of 1").decode() in page
    assert (
        "<code>subject=1</code>" in page and "<code>subject=3</code>" in page and "<code>subject=2</code>" not in page
    )
    assert "at the &lt;left&gt;" in page and "<left>" not in page
    assert page.count("probably no person: moves as one rigid piece") == 1
    assert "Why this one: person 2 scores 0.9." in page
    assert "person-1/report.html" not in page


def test_the_report_of_one_of_all_people_leads_to_those_of_the_others(tmp_path: Path) -> None:
    page = page_of(record() | {"person": 2}, {}, numbered(tmp_path), Path("/out"))
    assert '<a href="../person-1/report.html">Person 1</a>' in page
    assert "../person-2/" not in page and "../person-3/" not in page
    assert "walk, person 2" in page


def test_a_failure_shows_fact_and_cure() -> None:
    page = page_of(record(error="a.mp4: no video; check the file"), {}, {}, Path("/out"))
    assert "<p>a.mp4: no video</p>" in page
    assert "What to do:</strong> check the file." in page
    assert "rendered no video" not in page and "No video was rendered" not in page


def test_the_comparison_is_played_as_two_panes() -> None:
    facts = {"size_px": [300, 100], "panes": [[0, 0, 200, 100], [200, 0, 100, 100]]}
    player = choose_player(record(files=("comparison.mp4",)), {"comparison.mp4": rendered(facts)}, Path("/out/walk"))
    assert player is not None
    assert player.links == ("./comparison.mp4",)
    assert [pane.box for pane in player.panes] == [(0, 0, 2 / 3, 1), (2 / 3, 0, 1 / 3, 1)]


def test_without_a_comparison_the_original_is_linked_relative_to_the_page() -> None:
    made = {"stabilized.mp4": rendered({"size_px": [640, 360]})}
    player = choose_player(record("wal k#1", files=("stabilized.mp4",)), made, Path("/out/walk"))
    assert player is not None
    assert player.links == ("./stabilized.mp4", "../../videos/wal%20k%231.mp4")
    assert [(pane.label, pane.video, pane.box) for pane in player.panes] == [
        ("original", 1, FULL_BOX),
        ("stabilized", 0, FULL_BOX),
    ]


def compared(folder: Path, clip: dict[str, Any], start_s: float) -> str:
    """The report of a comparison whose charts begin at ``start_s``."""
    (folder / "spans.json").write_text(json.dumps({"start_s": start_s, "runs": [[0, start_s, 0.04]], "spans": []}))
    facts = {"size_px": [300, 100], "panes": [[0, 0, 200, 100], [200, 0, 100, 100]]}
    made = {"comparison.mp4": rendered(facts)}
    made["report.html"] = Artifact("render", "key", str(folder), {"spans.json": StoredFile("", 1, 0)}, {}, "run", 1.0)
    found = record(files=("comparison.mp4",))
    found["clip"] |= clip
    return page_of(found, {}, made, folder)


@pytest.mark.parametrize(
    ("clip", "start_s", "begin", "length"),
    [
        ({}, 0.0, 0.0, 0.04),
        ({}, 0.5, 0.0, 0.54),  # a player keeps the times of a file that begins late
        ({}, -0.5, -0.5, 0.04),  # what is written is delayed up to zero
        ({"trimmed": True, "variable_rate": True}, 60.0, 60.0, 0.04),  # a part begins at zero
    ],
)
def test_the_page_knows_which_time_of_the_file_a_player_shows(
    tmp_path: Path, clip: dict[str, Any], start_s: float, begin: float, length: float
) -> None:
    page = compared(tmp_path, clip, start_s)
    assert f'data-start="{begin}" data-length="{length}"' in page
    assert f'data-runs="[[0,{start_s},0.04]]" data-frames="1" data-size="640,360"' in page


def test_corrections_are_offered_only_beside_the_original(tmp_path: Path) -> None:
    assert "Wrong anchor?" in compared(tmp_path, {}, 0.0)
    found = record(files=("overlay.mp4",))
    made = {"overlay.mp4": rendered({"size_px": [640, 360]})}
    assert "Wrong anchor?" not in page_of(found, {}, made, tmp_path)


def test_without_a_render_nothing_is_played() -> None:
    assert choose_player(record(files=("pose.csv",)), {}, Path("/out")) is None
    assert "This run rendered no video" in page_of(record(), {}, {}, Path("/out"))


def test_files_that_browsers_cannot_play_are_named() -> None:
    files = ("comparison.mov", "pose.csv", "stabilized.mov")
    page = page_of(record(files=files), {}, {}, Path("/out"))
    assert "cannot play comparison.mov and stabilized.mov: open them with" in page
    assert "rendered no video" not in page and "No video was rendered" not in page
    page = page_of(record(files=("person_png.zip",)), {}, {}, Path("/out"))
    assert "cannot play person_png.zip: open it with" in page


def test_a_sweep_without_rendering_is_not_advised_to_add_outputs_it_has() -> None:
    only_path = record()
    assert "sweep.render=all" in page_of(only_path, {}, {}, Path("/out"))
    only_path["config"]["outputs"] = ["pose"]
    page = page_of(only_path, {}, {}, Path("/out"))
    assert "add stabilized or comparison to" in page


def test_the_report_loads_no_library_that_draws_or_decodes() -> None:
    heavy = "{'matplotlib', 'cv2', 'av', 'pyarrow', 'numpy', 'prefect'}"
    code = f"import sys, flows.report.page; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_each_page_has_the_settings_of_its_own_run() -> None:
    pages = [page_of(record(name), {}, {}, Path("/out")) for name in ("one", "two", "one")]
    assert pages[0] == pages[2]
    assert "&#34;two&#34;" in pages[1] and "&#34;two&#34;" not in pages[0]


def test_only_charts_of_this_run_are_shown_without_a_look_through_them(tmp_path: Path) -> None:
    (tmp_path / "spectrum.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')
    (tmp_path / "spans.json").write_text("{}")
    files = dict.fromkeys(("spectrum.svg", "spans.json"), StoredFile("", 1, 0))
    drawn = Artifact[Any]("charts", "key", str(tmp_path), files, {}, "run", 1.0)
    assert "<script/>" in report_page._charts({"report.html": drawn}, "run")["spectrum"]
    with pytest.raises(ValueError, match="holds <script>"):
        report_page._charts({"report.html": drawn}, "a later run")


def test_every_source_of_the_anchor_has_the_colour_of_the_strip(tmp_path: Path) -> None:
    spans = {"start_s": 0, "end_s": 1, "spans": [], "labels": [], "sources": ["hand", "hips", "left_hip"]}
    spans |= {"cuts_s": [], "switches_s": [], "more": 0}
    (tmp_path / "spans.json").write_text(json.dumps(spans))
    charts = [f"{name}.svg" for name in ("path_x", "path_y", "residual", "spectrum")]
    for name in charts:
        (tmp_path / name).write_text("<svg/>")
    drawn = Artifact[Any](
        "charts", "key", str(tmp_path), dict.fromkeys(("spans.json", *charts), StoredFile("", 1, 0)), {}, "run", 1.0
    )
    page = page_of(record(), {}, {"report.html": drawn}, tmp_path)
    shown = re.findall(r'background: var\(--(\w+)\)"></i>(hand|hips|left hip)<', page)
    assert shown == [("other", "hand"), ("hips", "hips"), ("one_hip", "left hip")]


def walked(folder: Path, events: dict[str, Any]) -> dict[str, Artifact[Any]]:
    (folder / "events.json").write_text(json.dumps(events))
    files = {"events.json": StoredFile("0", 1, 1)}
    return {"exports/events": Artifact("export", "key", str(folder), files, {}, "run", 1.0)}


def test_the_figures_of_the_gait_are_shown_with_their_units(tmp_path: Path) -> None:
    stride = {"mean": 1.0476, "deviation": 0.018, "count": 5}
    speed = {"mean": 295.66, "deviation": None, "count": 1, "uncertainty": 23.5}
    figures = {
        "stride_s": stride,
        "speed_px_per_s": speed,
        "symmetry_step_percent": speed,
        "cadence_steps_per_min": stride,
    }
    table = gait_table(walked(tmp_path, {"figures": figures, "lengths_why_not": ""}))
    assert table is not None
    assert [(row.title, row.unit) for row in table.rows] == [
        ("Stride time", "s"),
        ("Speed", "px/s"),
        ("Symmetry of the step times", "%"),
        ("Cadence", "steps/min"),
    ]
    assert [(row.mean, row.deviation, row.count, row.uncertainty) for row in table.rows][:2] == [
        ("1.05", "0.018", "5", "–"),
        ("296", "–", "1", "23.5"),
    ]
    page = page_of(record(), {}, walked(tmp_path, {"figures": figures, "lengths_why_not": ""}), tmp_path)
    assert "<h2>The gait</h2>" in page and "speed_px_per_s" in page and "missing" not in page


def test_a_gait_without_figures_says_why(tmp_path: Path) -> None:
    page = page_of(record(), {}, walked(tmp_path, {"figures": {}, "lengths_why_not": "the person runs"}), tmp_path)
    assert "There are no figures: the person runs." in page
    assert "The gait" not in page_of(record(), {}, {}, tmp_path)


@pytest.mark.parametrize("events", [{}, {"figures": [], "lengths_why_not": ""}, {"figures": {}, "lengths_why_not": 1}])
def test_a_file_that_holds_no_gait_is_refused(events: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"events\.json: holds no figures of a gait"):
        gait_table(walked(tmp_path, events))


def test_the_name_of_a_setting_is_not_broken_into_lines(tmp_path: Path) -> None:
    page = page_of(record(), {}, {}, tmp_path)
    assert page.count('<table class="settings">') >= 1
    rule = next(line for line in page.splitlines() if line.startswith(".settings td:first-child"))
    assert "white-space: nowrap" in rule
