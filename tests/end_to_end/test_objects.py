"""A run over objects of a store: as with files, downloaded once, with no credentials in what it leaves."""

import shutil
from pathlib import Path

import pytest

from tests.support import program
from tests.support.s3_server import SECRET, bucket_in_use


def test_objects_are_downloaded_once_and_a_bad_one_fails_alone(
    finished: Path, tmp_path: Path, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object is the walker that is in the cache already: all that runs is its download."""
    shutil.copytree(finished / "outputs" / ".cache", tmp_path / "cache")
    (drawn,) = (tmp_path / "cache").glob("demo/*/demo.mp4")
    asked = ("outputs=[stabilized]", "cache_dir=cache")
    with bucket_in_use(monkeypatch) as store:
        store.objects |= {"/walks/my%20walk.mp4": drawn.read_bytes(), "/walks/bad.mp4": b"no video"}
        done = program.run("video=[s3://walks/*.mp4,s3://walks/none.mp4]", *asked, cwd=tmp_path, api=api)
        lines = [line for line in done.err.splitlines() if "FAILED" in line]
        assert (done.status, len(lines)) == (1, 2), done.err
        assert lines[0].startswith("bad: FAILED: s3://walks/bad.mp4: is not a video that can be read")
        assert lines[1].startswith("none: FAILED: s3://walks/none.mp4: there is no such object")
        out = tmp_path / "outputs" / "my walk"
        assert "download" in program.ran(out) and "pose" not in program.ran(out)
        assert program.record(out)["video"]["path"] == "s3://walks/my walk.mp4"
        same = finished / "outputs" / "demo" / "stabilized.mp4"
        assert (out / "stabilized.mp4").read_bytes() == same.read_bytes()
        again = program.run("video=s3://walks/my walk.mp4", *asked, cwd=tmp_path, api=api)
    assert (again.status, again.err, program.ran(out)) == (0, "", set())
    assert sum(one.startswith("GET /walks/my") for one in store.asked) == 1
    left = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not left and SECRET not in done.out + done.err
