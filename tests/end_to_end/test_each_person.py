"""``subject=all`` and ``subject=2`` as a user types them: two drawn people who pass each other."""

from pathlib import Path

import pytest

from tests.support import program

WALK = ("video=demo", "demo.crossing=true", "demo.seconds=1.5", "demo.fps=24", "demo.width=480", "demo.height=270")
WANTED = (*WALK, "outputs=[pose]", "workers=1")
SHARED = {"demo", "decode", "pose", "people"}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, api: str) -> Path:
    """A folder with the results of person 2, and then with those of each person."""
    home = tmp_path_factory.mktemp("home")
    second = program.run(*WANTED, "subject=2", cwd=home, api=api)
    assert second.status == 0, second.err
    assert "followed: person 2 of 2, " in second.out and "to follow another one: subject=1 for person 1, " in second.out
    before = files(home / "outputs" / "demo")
    everybody = program.run(*WANTED, "subject=all", "smoothing.window=9", cwd=home, api=api)
    assert everybody.status == 0, everybody.err
    assert "2 of 2 persons done" in everybody.out and "shared with demo person 1: demo, decode, pose" in everybody.out
    assert "picture:" not in everybody.out, "none was made"
    sizes = program.run("cache", cwd=home, api=program.NO_SERVER)
    assert (sizes.status, sizes.err) == (0, "")
    assert "person" not in sizes.out and "demo" in sizes.out, "entries are listed under the video's name"
    assert "to follow another one" not in everybody.out
    assert files(home / "outputs" / "demo") == before, "the earlier result stays"
    return home


def test_each_person_has_results_of_their_own_and_what_is_shared_ran_once(home: Path) -> None:
    video = home / "outputs" / "demo"
    assert sorted(path.name for path in video.iterdir() if path.is_dir()) == ["person-1", "person-2"]
    for number in (1, 2):
        assert program.record(video / f"person-{number}")["person"] == number
        assert {"report.html", "pose.csv", "trajectory.parquet", "metrics.json"} <= files(
            video / f"person-{number}"
        ).keys()
        of = program.statuses(video / f"person-{number}")
        assert {of[title] for title in SHARED} == {"cached"} and of["trajectory"] == "ran"
    assert program.statuses(video / "person-2")["subject"] == "cached", "subject=2 asked for the same"
    assert files(video / "person-2")["pose.csv"] == files(video)["pose.csv"] != files(video / "person-1")["pose.csv"]


def test_a_sweep_over_people_has_a_row_for_each_and_a_line_for_a_number_that_nobody_has(home: Path, api: str) -> None:
    done = program.run("-m", *WANTED, "subject=all,2,9", "sweep.name=people", cwd=home, api=api)
    assert done.status == 1
    assert "demo: FAILED: subject: there is no person 9, 2 people were found; give subject=1 or subject=2" in done.err
    planned = program.run(*WANTED, "subject=9", "plan=true", cwd=home, api=api)
    assert planned.status == 1 and "would fail: subject: there is no person 9" in planned.out
    sweep = home / "outputs" / "sweeps" / "people"
    places = ("subject=all/demo/person-1", "subject=all/demo/person-2", "subject=2/demo", "subject=9/demo")
    page = (sweep / "index.html").read_text()
    for place in places:
        assert (sweep / place / "report.html").is_file() and f"{place}/report.html".replace("=", "%3D") in page
