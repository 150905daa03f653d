"""Publishing: deliverables appear complete, and a failed write loses nothing of an earlier result."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conf.config import Config
from conf.enums import Output
from conf.lock import SmoothingConf
from flows.jobs import Job
from flows.results import atomic_files, publish
from flows.results.run_record import describe_result
from flows.videos import Video, path_digest
from tasks.cache import making, store
from tasks.cache.keys import canonical
from tasks.errors import OutputError
from tasks.records import Artifact

Finished = tuple[Job, dict[str, Artifact[Any]]]


def artifact(cache: Path, stage: str, files: dict[str, str]) -> Artifact[Any]:
    def write(folder: Path) -> dict[str, Any]:
        for name, text in files.items():
            (folder / name).write_text(text)
        return {}

    return making.make(cache, stage, f"{stage}-1", "run", write, waiting=lambda: None)


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """A job whose stages are done, with the summary and the report left out."""
    config = Config(video="a.mp4", outputs=[Output.stabilized])
    job = Job(Video("a", tmp_path / "a.mp4"), tmp_path / "a.mp4", "d" * 64, config, {}, "run")
    monkeypatch.setattr(publish, "render_report", lambda *_: b"page")
    monkeypatch.setattr(publish, "read_metrics", lambda _: {})
    monkeypatch.setattr(publish, "describe_result", lambda *_, **__: None)
    record = {"video": {"sha256": job.digest, "path": job.video.location}}
    monkeypatch.setattr(publish, "run_record", lambda *_: record)
    made = {"trajectory": artifact(tmp_path, "trajectory", {"trajectory.parquet": "path"})}
    made["stabilized.mp4"] = artifact(tmp_path, "render", {"stabilized.mp4": "picture"})
    return job, made


def recorded(job: Job, held: dict[str, Artifact[Any]]) -> dict[str, Any]:
    files = {name: {"sha256": holder.files[Path(name).name].sha256} for name, holder in held.items()}
    return {"video": {"sha256": job.digest, "path": job.video.location}, "deliverables": files}


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_every_deliverable_appears_under_its_name(finished: Finished, tmp_path: Path) -> None:
    publish.publish(*finished, tmp_path / "out")
    folder = tmp_path / "out" / "a"
    assert set(contents(folder)) == {"trajectory.parquet", "stabilized.mp4", "metrics.json", "report.html", "run.json"}


def test_the_files_of_an_export_lie_in_a_folder_of_their_own(finished: Finished, tmp_path: Path) -> None:
    job, made = finished
    made["exports/events"] = artifact(tmp_path, "export", {"events.csv": "time_s", "events.json": "{}"})
    publish.publish(job, made, tmp_path / "out")
    folder = tmp_path / "out" / "a"
    assert contents(folder / "exports") == {"events.csv": "time_s", "events.json": "{}"}
    assert "exports" not in {path.name for path in folder.iterdir() if path.is_file()}


def test_a_data_set_has_a_folder_of_its_own_without_shards_of_an_earlier_one(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, made = finished
    monkeypatch.setattr(publish, "run_record", lambda job, artifacts, result, held: recorded(job, held))
    folder, files = tmp_path / "out" / "a" / "exports" / "webdataset", {"metadata.parquet": "rows"}
    for shards in (["000000.tar", "000001.tar"], ["000000.tar"]):
        made["exports/webdataset"] = artifact(tmp_path / str(len(shards)), "export", files | dict.fromkeys(shards, ""))
        publish.publish(job, made, tmp_path / "out")
        assert set(contents(folder)) == {"metadata.parquet", *shards}


def test_a_changed_deliverable_is_kept_though_runs_in_between_made_others(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, made = finished
    monkeypatch.setattr(publish, "run_record", lambda job, artifacts, result, held: recorded(job, held))
    folder = tmp_path / "out" / "a"
    publish.publish(job, made, tmp_path / "out")
    video = made.pop("stabilized.mp4")
    publish.publish(job, made, tmp_path / "out")
    (folder / "stabilized.mp4").write_text("cut")
    publish.publish(job, made, tmp_path / "out")
    publish.publish(job, made | {"stabilized.mp4": video}, tmp_path / "out")
    assert contents(folder)["stabilized-changed-1.mp4"] == "cut"
    assert contents(folder)["stabilized.mp4"] == "picture"


def test_a_shard_that_somebody_has_changed_is_kept_where_no_glob_finds_it(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job, made = finished
    monkeypatch.setattr(publish, "run_record", lambda job, artifacts, result, held: recorded(job, held))
    folder = tmp_path / "out" / "a" / "exports" / "webdataset"
    for shards in (["000000.tar", "000001.tar"], ["000000.tar"]):
        made["exports/webdataset"] = artifact(tmp_path / str(len(shards)), "export", dict.fromkeys(shards, "samples"))
        publish.publish(job, made, tmp_path / "out")
        for shard in shards:
            (folder / shard).write_text(f"own {shard}")
    publish.publish(job, made, tmp_path / "out")
    assert contents(folder) == {
        "000000.tar": "samples",
        "000000.tar-changed-1": "own 000000.tar",
        "000000.tar-changed-2": "own 000000.tar",
        "000001.tar-changed-1": "own 000001.tar",
    }
    assert capsys.readouterr().err.splitlines()[0] == (
        f"stillwalk: {folder}/000000.tar: was changed since it was made; "
        "what was there is now 000000.tar-changed-1, which *.tar does not find"
    )


def test_a_contact_sheet_is_delivered_when_asked_for(finished: Finished, tmp_path: Path) -> None:
    job, made = finished
    made["stabilized.mov"] = artifact(tmp_path, "other", {"stabilized.mov": "picture", "contact.jpg": "sheet"})
    del made["stabilized.mp4"]
    publish.publish(job, made, tmp_path / "out")
    assert "contact.jpg" not in contents(tmp_path / "out" / "a")
    job.config.outputs.append(Output.contact)
    publish.publish(job, made, tmp_path / "out")
    assert contents(tmp_path / "out" / "a")["contact.jpg"] == "sheet"


def test_a_contact_sheet_is_named_with_the_stage_that_makes_it(finished: Finished, tmp_path: Path) -> None:
    job, _ = finished
    made = {"stabilized.mp4": artifact(tmp_path, "other", {"stabilized.mp4": "picture", "contact.jpg": "sheet"})}
    assert [stage.title for stage in describe_result(job, made, tmp_path).stages] == ["stabilized.mp4"]
    job.config.outputs.append(Output.contact)
    assert [stage.title for stage in describe_result(job, made, tmp_path).stages] == ["stabilized.mp4 with contact.jpg"]


def test_part_files_of_a_killed_run_do_not_take_the_folder(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / f".stabilized.mp4{atomic_files.PART_SUFFIX}").touch()
    publish.publish(*finished, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]
    assert f".stabilized.mp4{atomic_files.PART_SUFFIX}" not in contents(tmp_path / "out" / "a")


def test_deliverables_of_earlier_runs_are_named(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, made = finished
    monkeypatch.setattr(publish, "run_record", lambda job, artifacts, result, held: recorded(job, held))
    told: list[list[str]] = []
    monkeypatch.setattr(publish, "describe_result", lambda *_, older: told.append(list(older)))
    made["person.mp4"] = artifact(tmp_path, "person", {"person.mp4": "green"})
    publish.publish(job, made, tmp_path / "out")
    del made["person.mp4"]
    publish.publish(job, made, tmp_path / "out")
    made["person.webm"] = artifact(tmp_path, "clear", {"person.webm": "nothing"})
    publish.publish(job, made, tmp_path / "out")
    folder = tmp_path / "out" / "a"
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"deliverables": {"pose.csv": {"sha256": "0"}}}))
    (folder / "pose.csv").write_text("of a person whom nobody follows any more")
    publish.publish(job, made, tmp_path / "out")
    assert told == [[], ["person.mp4"], ["person.mp4"], ["person.mp4", "pose.csv"]]


def test_a_deliverable_that_somebody_has_changed_is_kept(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job, made = finished
    monkeypatch.setattr(publish, "run_record", lambda job, artifacts, result, held: recorded(job, held))
    folder = tmp_path / "out" / "a"
    for number in (1, 2):
        publish.publish(job, made, tmp_path / "out")
        (folder / "stabilized.mp4").write_text(f"cut {number}")
    publish.publish(job, made, tmp_path / "out")
    videos = {name: text for name, text in contents(folder).items() if name.endswith(".mp4")}
    assert videos == {
        "stabilized.mp4": "picture",
        "stabilized-changed-1.mp4": "cut 1",
        "stabilized-changed-2.mp4": "cut 2",
    }
    fact = "was changed since it was made; what was there is now"
    assert capsys.readouterr().err == "".join(
        f"stillwalk: {folder}/stabilized.mp4: {fact} stabilized-changed-{number}.mp4\n" for number in (1, 2)
    )
    made["stabilized.mp4"] = artifact(tmp_path, "other", {"stabilized.mp4": "another smoothing"})
    publish.publish(job, made, tmp_path / "out")
    assert len([name for name in contents(folder) if name.endswith(".mp4")]) == 3


def test_files_of_an_earlier_run_are_named_only_where_its_settings_were_others(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, made = finished
    config = {"config": canonical(job.config)}
    monkeypatch.setattr(publish, "run_record", lambda job, artifacts, result, held: recorded(job, held) | config)
    told: list[list[str]] = []
    monkeypatch.setattr(publish, "describe_result", lambda *_, older: told.append(list(older)))
    publish.publish(job, made | {"person.mp4": artifact(tmp_path, "person", {"person.mp4": "green"})}, tmp_path / "out")
    fewer = replace(job, config=replace(job.config, outputs=[Output.pose], workers=1))
    publish.publish(fewer, made, tmp_path / "out")
    other = replace(job, config=replace(job.config, smoothing=SmoothingConf(window=9)))
    config["config"] = canonical(other.config)
    publish.publish(other, made, tmp_path / "out")
    publish.publish(other, made, tmp_path / "out")
    publish.publish(job, made, tmp_path / "out")
    assert told == [[], [], ["person.mp4"], ["person.mp4"], []]


def test_a_full_disk_leaves_the_earlier_result_unchanged(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish.publish(*finished, tmp_path / "out")
    folder = tmp_path / "out" / "a"
    (folder / "stabilized.mp4").write_text("an earlier picture")
    (folder / "trajectory.parquet").write_text("an earlier path")
    before = contents(folder)

    def full(source: Path, to: Path) -> None:
        if Path(to).name.startswith(".stabilized"):
            raise OSError(errno.ENOSPC, "No space left on device")
        Path(to).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(
        OutputError, match="the disk is full; free some space, or choose another place with output_dir="
    ):
        publish.publish(*finished, tmp_path / "out")
    assert contents(folder) == before


def test_an_unreadable_cache_file_is_named(finished: Finished, tmp_path: Path) -> None:
    lost = Path(finished[1]["stabilized.mp4"].path("stabilized.mp4"))
    lost.unlink()
    with pytest.raises(OutputError, match=f"^{lost}: cannot be read .No such file or directory.; run again$"):
        publish.publish(*finished, tmp_path / "out")
    assert contents(tmp_path / "out" / "a") == {}


def test_a_damaged_cache_file_is_never_delivered(finished: Finished, tmp_path: Path) -> None:
    _, made = finished
    made["stabilized.mp4"].path("stabilized.mp4").write_text("PICTURE")
    with pytest.raises(OutputError, match="damaged in the cache; run the same command again"):
        publish.publish(*finished, tmp_path / "out")
    assert not (tmp_path / "out" / "a" / "stabilized.mp4").exists()
    assert store.find(tmp_path, "render", "render-1") is None


def test_an_object_keeps_its_folder_when_it_is_downloaded_anew(finished: Finished, tmp_path: Path) -> None:
    """Its file then lies in another place of the cache."""
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "mine.txt").write_text("mine")
    video = Video("a", None, "s3://walks/a.mp4")
    places = [
        publish.choose_folder(replace(finished[0], video=video, source=tmp_path / name / "video.mp4"), tmp_path / "out")
        for name in ("download-1", "download-2")
    ]
    assert places == [tmp_path / "out" / f"a-{video.digest}"] * 2


def test_no_report_is_made_from_damaged_cache_files(finished: Finished, tmp_path: Path) -> None:
    job, made = finished
    made["verify"] = artifact(tmp_path, "verify", {"verified.json": "0.1 px"})
    told = made["verify"].path("verified.json")
    before = told.stat()
    told.write_text("9.1 px")
    os.utime(told, ns=(before.st_atime_ns, before.st_mtime_ns))
    publish.publish(job, made, tmp_path / "of this run")  # which has just written it
    with pytest.raises(OutputError, match=r"verified.json: it was damaged in the cache; run the same command again"):
        publish.publish(replace(job, run_id="later"), made, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert store.find(tmp_path, "verify", made["verify"].key) is None


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
