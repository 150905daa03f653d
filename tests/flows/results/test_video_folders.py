"""The folder of a video or a person: which one it is, and what hinders it."""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from flows.jobs import Job
from flows.results import atomic_files, publish
from flows.videos import Video, path_digest
from tasks.errors import OutputError
from tests.support.finished_job import Finished, contents


def test_a_folder_of_another_video_is_not_used(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "mine.txt").write_text("mine")
    publish.publish(*finished, tmp_path / "out")
    assert contents(tmp_path / "out" / "a") == {"mine.txt": "mine"}
    (other,) = (path for path in (tmp_path / "out").iterdir() if path.name != "a")
    assert "stabilized.mp4" in contents(other)


def placed(job: Job, output_dir: Path, name: str, place: str) -> str:
    """The name of the folder of a video, which is from now on recorded in it."""
    path = Path(place)
    one = replace(job, video=Video(name, path), source=path, digest=place[1] * 64)
    folder = publish.choose_folder(one, output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    record = {"video": {"sha256": one.digest, "path": one.video.location}}
    (folder / "run.json").write_text(json.dumps(record))
    return folder.name


def test_a_video_keeps_its_folder_when_others_have_its_name(finished: Finished, tmp_path: Path) -> None:
    job, _ = finished
    x, y = "/x/walk.mp4", "/y/walk.mp4"
    in_both = {place: f"walk-{path_digest(Path(place))}" for place in (x, y)}
    assert placed(job, tmp_path / "1", "walk", x) == "walk"
    assert [placed(job, tmp_path / "1", in_both[place], place) for place in (y, x)] == [in_both[y], "walk"]
    assert [placed(job, tmp_path / "2", in_both[place], place) for place in (x, y)] == [in_both[x], in_both[y]]
    assert placed(job, tmp_path / "2", "walk", y) == in_both[y]
    assert placed(job, tmp_path / "2", "walk", x) == in_both[x]


def test_a_person_has_a_folder_in_that_of_the_video_and_an_earlier_result_stays(
    finished: Finished, tmp_path: Path
) -> None:
    job, made = finished
    publish.publish(job, made, tmp_path / "out")
    before = contents(tmp_path / "out" / "a")
    for number in (1, 2):
        publish.publish(replace(job, person=number), made, tmp_path / "out")
    folder = tmp_path / "out" / "a"
    assert {path.name: path.read_text() for path in folder.iterdir() if path.is_file()} == before
    assert contents(folder / "person-1") == contents(folder / "person-2") == before


def test_people_keep_the_folder_of_their_video_when_another_has_its_name(finished: Finished, tmp_path: Path) -> None:
    job, made = finished
    (tmp_path / "out" / "a" / "person-1").mkdir(parents=True)  # a killed run may leave it empty
    publish.publish(replace(job, person=1), made, tmp_path / "out")
    other = replace(job, video=Video("a", tmp_path / "b" / "a.mp4"), source=tmp_path / "b" / "a.mp4", digest="e" * 64)
    of_other = f"a-{path_digest(other.source)}"
    assert publish.choose_folder(other, tmp_path / "out").name == of_other
    assert publish.choose_folder(replace(other, person=1), tmp_path / "out") == tmp_path / "out" / of_other / "person-1"
    assert publish.choose_folder(replace(job, person=2), tmp_path / "out") == tmp_path / "out" / "a" / "person-2"
    (tmp_path / "out" / "a" / "person-2").mkdir()
    (tmp_path / "out" / "a" / "person-2" / "mine.txt").write_text("mine")
    assert publish.choose_folder(replace(job, person=2), tmp_path / "out").name == f"person-2-{path_digest(job.source)}"


def test_two_concurrent_videos_with_one_name_get_different_folders(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, made = finished
    other = replace(job, video=Video("a", tmp_path / "b" / "a.mp4"), source=tmp_path / "b" / "a.mp4", digest="e" * 64)
    record = {"video": {"sha256": other.digest, "path": other.video.location}}
    taken = tmp_path / "out" / "a"

    @contextmanager
    def outrun(folder: Path) -> Iterator[None]:
        """The other run has the folder first, and is done when this one may write."""
        if not taken.exists():
            taken.mkdir(parents=True)
            (taken / "run.json").write_text(json.dumps(record))
        with atomic_files.locked_folder(folder):
            yield

    monkeypatch.setattr(publish, "locked_folder", outrun)
    publish.publish(job, made, tmp_path / "out")
    assert set(contents(taken)) == {"run.json"}
    assert "stabilized.mp4" in contents(tmp_path / "out" / f"a-{path_digest(job.source)}")


def test_what_hinders_the_folder_is_one_line(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, made = finished
    place = tmp_path / "out" / "a"
    (tmp_path / "out").mkdir()
    place.symlink_to("nowhere")
    with pytest.raises(
        OutputError, match="is a link that leads nowhere, but the video's folder has this name; move it"
    ):
        publish.publish(job, made, tmp_path / "out")

    def listed(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(publish, "_is_free", listed)
    place.unlink()
    with pytest.raises(OutputError, match=f"^{place}: Permission denied; make it writable, or choose another place"):
        publish.publish(job, made, tmp_path / "out")


def test_a_file_with_the_name_of_the_folder_is_one_line(finished: Finished, tmp_path: Path) -> None:
    job, made = finished
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("mine")
    with pytest.raises(OutputError, match="is a file, but the video's folder has this name; move it"):
        publish.publish(job, made, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text() == "mine"
