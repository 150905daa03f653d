"""The index page of a batch or a sweep: content, links, escaping of names."""

import re
from typing import Any

from flows.report.index_page import render_index

ODD = 'Übung <b>[2]</b> & "neu" 100%#1 ' + "x" * 80


def row(video: str, setting: str, lock: float, shown: float, **more: Any) -> dict[str, Any]:
    metrics = {"lock_rms": lock, "residual_accel": lock / 3, "visible_area_mean": shown, "lock_p95": 2 * lock}
    usual = {"folder": f"{setting}/{video}".strip("/"), "error": "", "rendered": True, "rank": 1, "pareto": False}
    return {
        "video": video,
        "setting": setting,
        **usual,
        "report": True,
        "earlier": False,
        "best": False,
        "ran": 2,
        "cached": 6,
        "metrics": metrics,
    } | more


def failed(video: str, setting: str = "") -> dict[str, Any]:
    reason = f"{video}: no person found in 84 frames; check that it shows a person"
    bad = row(video, setting, 0, 0, error=reason, rendered=False, rank=0)
    del bad["metrics"]
    return bad


def sweep() -> dict[str, Any]:
    settings: list[dict[str, Any]] = [
        {"setting": f"0{i}_window={w},kind=moving", "overrides": [f"smoothing.window={w}"]}
        for i, w in enumerate((5, 9, 15))
    ]
    names = [str(setting["setting"]) for setting in settings]
    rows = [
        row(ODD, name, 1.0 + i, 0.5 + i / 10, pareto=i != 1, best=i == 0, rank=i + 1) for i, name in enumerate(names)
    ]
    rows += [row("moonwalk", name, 3.0 - i, 0.6 - i / 10, best=i == 2, rank=3 - i) for i, name in enumerate(names)]
    rows += [failed("thermal <i>", name) for name in names]
    return {"name": "sweep <one>", "started": "2026-11-24 07:00", "settings": settings, "rows": rows}


def batch() -> dict[str, Any]:
    rows = [row("a", "", 1.0, 0.8), row("b", "", 2.0, 0.7), failed("c")]
    return {"name": "batch", "started": "2026-11-24 07:00", "rows": rows}


def test_markup_in_names_is_escaped() -> None:
    page = render_index(sweep())
    for markup in ("<b>[2]", "<i>", "sweep <one>", '& "neu"'):
        assert markup not in page.partition("</style>")[2].partition("<script>")[0]
    assert "&lt;b&gt;[2]&lt;/b&gt; &amp; &#34;neu&#34;" in page


def test_links_point_to_the_report_of_each_folder() -> None:
    page = render_index(sweep())
    links = re.findall(r'<a href="([^"]+)"', page)
    assert "./00_window%3D5%2Ckind%3Dmoving/moonwalk/report.html" in links
    assert any("100%25%231" in link for link in links)
    assert all(link.endswith("/report.html") and "#" not in link and " " not in link for link in links)


def test_only_existing_reports_are_linked() -> None:
    index = sweep()
    for one in index["rows"]:
        one["report"], one["rendered"] = one["best"], not one["best"]
    links = re.findall(r'<a href="([^"]+)"', render_index(index))
    assert len(set(links)) == 2  # the best of both videos


def test_a_failure_with_an_earlier_report_says_so() -> None:
    index = batch()
    assert "of an earlier, successful run" not in render_index(index)
    index["rows"][2]["earlier"] = True
    page = render_index(index)
    assert page.count("./c/report.html") == page.count("of an earlier, successful run") == 2


def test_the_best_setting_is_shown_with_its_mean_rank() -> None:
    index = sweep()
    for number, setting in enumerate(index["settings"]):
        setting |= {"mean_rank": 1.25 + number, "best": number == 0}
    page = render_index(index)
    assert page.count("best of all") == 1
    assert "1.25" in page
    assert "mean rank" not in render_index(sweep())


def test_settings_are_listed_by_their_mean_rank_and_those_without_one_last() -> None:
    index = sweep()
    for setting, rank in zip(index["settings"], (0, 2.5, 1.5), strict=True):
        setting |= {"mean_rank": rank, "best": rank == 1.5}
    settings = render_index(index).partition("means over the videos")[2].partition("</table>")[0]
    assert re.findall(r"0\d_window=\d+", settings) == ["02_window=15", "01_window=9", "00_window=5"]


def test_the_few_settings_come_before_the_many_videos() -> None:
    index = sweep()
    for number, setting in enumerate(index["settings"]):
        setting |= {"mean_rank": 1.25 + number, "best": number == 0}
    page = render_index(index)
    assert page.index("means over the videos") < page.index("<svg") < page.index("Best setting of each video")
    settings = page.partition("means over the videos")[2].partition("</table>")[0]
    assert ">best for (videos)<" in settings and "lowest mean rank" in settings


def test_common_failures_and_overrides_are_shown_once() -> None:
    index = sweep()
    for setting in index["settings"]:
        setting["overrides"] = ["video=clips", *setting["overrides"]]
    page = render_index(index)
    top = page.partition("What failed, and why")[2].partition("</div>")[0]
    assert top.count("no person found") == 1
    assert "(3 of 3 settings)" in top
    assert page.count("video=clips") == 1
    assert "<code>smoothing.window=9</code>" in page


def test_failures_come_last_with_their_reason() -> None:
    page = render_index(batch())
    assert page.count('<tr class="failed">') == 1
    assert page.count("no person found in 84 frames; check that it shows a person") == 2
    assert page.rindex('<tr class="failed">') > page.index(">b</a>")
    assert "2 of 3 done" in page


def test_only_a_sweep_has_a_table_of_settings() -> None:
    assert "means over the videos" not in render_index(batch())
    page = render_index(sweep())
    assert "means over the videos" in page
    rows = page.partition("means over the videos")[2].partition("</table>")[0]
    assert 'data-value="2.0">2.00' in rows  # of 1 and 3, 2 and 2, 3 and 1


def test_rows_with_both_figures_are_points_and_missing_figures_are_dashes() -> None:
    index = sweep()
    index["rows"][0]["metrics"]["lock_rms"] = None
    page = render_index(index)
    assert page.count('class="point"') == 5
    assert 'data-value="">–' in page


def test_an_index_of_failures_has_no_scatter() -> None:
    index = {"name": "all", "started": "", "rows": [failed("a"), failed("b")]}
    page = render_index(index)
    assert "<svg" not in page
    assert page.count('<tr class="failed">') == 2


def test_the_same_index_gives_the_same_bytes() -> None:
    assert render_index(sweep()) == render_index(sweep())


def test_the_page_names_who_judged_the_lock_and_how_to_know_better() -> None:
    index = sweep()
    assert "less smoothing looks better there than in the files" in render_index(
        index
    ) and "verify=true sweep.render=all" in render_index(index)
    assert "Distance to the target, planned (px)" in render_index(index)
    for number, one in enumerate(row for row in index["rows"] if not row["error"]):
        one["judge"] = "measured in the file"
        one["metrics"] |= {"verified_lock_rms": 7.25 + number, "verified_residual_step": 0.5}
    page = render_index(index)
    best = page.partition("Best setting of each video")[2].partition("</table>")[0]
    assert "less smoothing looks better there than in the files" not in page
    assert "Distance to the target, measured in the file (px)" in best and ">7.25" in best and "planned" not in best
