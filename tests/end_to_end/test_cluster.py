"""A whole run on the workers of a Dask cluster makes the bytes that threads make."""

from pathlib import Path

from tests.support import program
from tests.support.program import DEMO

TIMED = ("report.html", "run.json")  # they say how long the stages took


def test_a_cluster_makes_the_bytes_of_threads_and_finds_them_again(finished: Path, tmp_path: Path, api: str) -> None:
    asked = (*DEMO, "runner=dask", "workers=2")
    cold = program.run(*asked, cwd=tmp_path, api=api)
    assert (cold.status, cold.err) == (0, "")
    here, there = (home / "outputs" / "demo" for home in (tmp_path, finished))
    names = sorted(path.name for path in there.iterdir())
    assert sorted(path.name for path in here.iterdir()) == names
    for name in set(names) - set(TIMED):
        assert (here / name).read_bytes() == (there / name).read_bytes(), name
    entries = [
        {(mark.parents[1].name, mark.parent.name) for mark in (home / "outputs" / ".cache").glob("*/*/done.json")}
        for home in (tmp_path, finished)
    ]
    assert entries[0] == entries[1]
    again = program.run(*asked, cwd=tmp_path, api=api)
    assert (again.status, again.err) == (0, "")
    assert program.ran(here) == set()
