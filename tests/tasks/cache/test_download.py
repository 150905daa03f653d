"""The download stage: a whole file or one line, computed by the head, and again only when the object has changed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.cache import download
from tasks.cache.keys import stage_key
from tasks.cache.object_store import Found, Objects
from tasks.cache.second_level import SecondLevel
from tasks.errors import Interrupted, VideoError
from tasks.execution.task import Call, Slots, outcomes
from tasks.records import Artifact
from tasks.requests import DownloadRequest
from tests.support.s3_server import SECRET, Bucket, bucket_in_use

BYTES = bytes(range(256)) * 5


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr(download, "PART_BYTES", 500)
    with bucket_in_use(monkeypatch) as server:
        server.objects["/walks/my%20walk.mp4"] = BYTES
        yield server


def asked() -> DownloadRequest:
    objects, name = Objects.holding("s3://walks/my walk.mp4")
    found = objects.find(name)
    assert isinstance(found, Found)
    return DownloadRequest("s3://walks/my walk.mp4", found.size, found.etag, found.modified)


def test_the_parts_of_an_object_become_one_file(store: Bucket, tmp_path: Path) -> None:
    ticks: list[int] = []
    assert download.download_video(asked(), tmp_path, ticks.append) == {"bytes": len(BYTES)}
    assert (tmp_path / "video.mp4").read_bytes() == BYTES
    assert len(ticks) == 3


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        ({"cut": True}, "a request to it failed"),
        ({"status": 403}, "it refuses the credentials, or there are none"),
        ({"objects": {}}, "it was changed meanwhile"),
        ({"objects": {"/walks/my%20walk.mp4": BYTES[::-1]}}, "it was changed meanwhile"),
    ],
)
def test_a_download_that_fails_is_one_line(
    store: Bucket, tmp_path: Path, change: dict[str, Any], clause: str, capfd: pytest.CaptureFixture[str]
) -> None:
    request = asked()
    vars(store).update(change)
    line = f"s3://walks/my walk.mp4: cannot be downloaded ({clause}); run the same command again"
    with pytest.raises(VideoError) as failed:
        download.download_video(request, tmp_path, lambda _: None)
    assert str(failed.value) == line
    assert SECRET not in "".join([line, *capfd.readouterr()])


def test_a_download_stops_between_two_parts(store: Bucket, tmp_path: Path) -> None:
    def stop(_: int) -> None:
        if any(one.startswith("GET") for one in store.asked):
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        download.download_video(asked(), tmp_path, stop)
    assert sum(one.startswith("GET") for one in store.asked) == 1


def test_it_is_downloaded_again_only_when_the_object_has_changed(store: Bucket) -> None:
    key = stage_key(asked())
    assert stage_key(asked()) == key
    store.objects["/walks/my%20walk.mp4"] = BYTES[::-1]
    assert stage_key(asked()) != key
    assert stage_key(replace(asked(), address="s3://walks/other.mp4")) != stage_key(asked())


@pytest.mark.parametrize(
    ("name", "file"), [("a.MOV", "video.MOV"), ("a", "video"), ("a.b c", "video"), ("a.ä", "video")]
)
def test_the_file_has_a_plain_name(name: str, file: str) -> None:
    assert DownloadRequest(f"s3://walks/{name}", 1, "", "").file == file


def test_the_head_downloads_and_a_shared_store_keeps_no_video(store: Bucket, tmp_path: Path) -> None:
    def elsewhere(*_: object) -> None:
        pytest.fail("a worker was asked")

    level = SecondLevel("s3://walks/cache", pytest.fail)
    request = asked()
    call = Call("download", "walk", "walk", lambda _: [request], tmp_path, "run", Slots(1), elsewhere, level)
    (outcome,) = outcomes(call, [])
    assert isinstance(outcome, Artifact) and outcome.path("video.mp4").read_bytes() == BYTES
    assert list(store.objects) == ["/walks/my%20walk.mp4"]
