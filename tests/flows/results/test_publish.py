"""Publishing: deliverables appear complete, and a failed write loses nothing of an earlier result."""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from conf.enums import Output
from conf.lock import SmoothingConf
from flows.results import atomic_files, publish
from flows.results.run_record import describe_result
from flows.videos import Video
from tasks.cache import store
from tasks.cache.keys import canonical
from tasks.errors import OutputError
from tests.support.finished_job import Finished, artifact, contents, recorded


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
