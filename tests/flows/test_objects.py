"""``video=s3://bucket/walk.mp4``: which objects an address names, and what is said before any work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import objects
from flows.config import settings
from flows.dry_run import dry_run
from flows.videos import VIDEO_SUFFIXES, Video, find_all_videos, find_videos, missing_reason, own_share, video_at
from tasks.cache.object_store import NOT_REACHED, Objects, StoreError
from tasks.errors import SettingError
from tests.support.done import DIGESTS
from tests.support.s3_server import SECRET, Bucket, bucket_in_use

settings.register_schema()
NAMES = ("b.mp4", "._b.mp4", "my%20walk.MOV", "notes.txt", "sub/b.mp4", "sub/deep/c.mp4", "a%5B1%5D.mp4")
AUTHORIZED = "check the address and the credentials in the environment"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    objects.forget()
    with bucket_in_use(monkeypatch) as server:
        server.objects |= {f"/walks/clips/{name}": b"clip" for name in NAMES} | {"/walks/empty.mp4": b""}
        yield server


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("clips/b.mp4", ["b.mp4"]),
        ("clips/", ["a[1].mp4", "b.mp4", "my walk.MOV"]),
        ("clips/*.mp4", ["a[1].mp4", "b.mp4"]),
        ("clips/.*", ["._b.mp4"]),
        ("clips/*/b.mp4", ["sub/b.mp4"]),
        ("clips/**/*.mp4", ["a[1].mp4", "b.mp4", "sub/b.mp4", "sub/deep/c.mp4"]),
        ("clips/[ab].mp4", ["b.mp4"]),
        ("clips/a[1].mp4", ["a[1].mp4"]),  # a name with brackets is no pattern
    ],
)
def test_an_address_a_folder_and_a_pattern_name_objects(store: Bucket, asked: str, names: list[str]) -> None:
    assert objects.expand_object(f"s3://walks/{asked}", VIDEO_SUFFIXES) == [f"s3://walks/clips/{one}" for one in names]


def test_objects_stand_in_lists_beside_files_and_are_named_like_them(store: Bucket, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("walk.mp4\ns3://walks/clips/my walk.MOV\ns3://walks/clips/**/b.mp4\n")
    (tmp_path / "walk.mp4").touch()
    videos = find_videos(f"@{tmp_path}/list.txt")
    assert [video.name.partition("-")[0] for video in videos] == ["walk", "my walk", "b", "b"]
    assert len({video.name for video in videos}) == 4
    assert (
        videos[1] == Video("my walk", None, "s3://walks/clips/my walk.MOV") == video_at(videos[1].location, "my walk")
    )


def test_an_object_is_in_one_share_on_all_machines(store: Bucket) -> None:
    videos = find_all_videos([settings.load(["video=s3://walks/clips/**/*.mp4"])])
    shares = [own_share(videos, f"{number}/3") for number in (1, 2, 3)]
    assert sorted((video for share in shares for video in share), key=videos.index) == videos


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("s3://walks", "s3://walks is no address of an object; give one such as s3://bucket/clips/walk.mp4"),
        ("S3://walks/b.mp4", "S3://walks/b.mp4 is no address of an object; give one such as s3://bucket/clips"),
        (f"s3://me:{SECRET}@walks/b.mp4", "an address must hold no name and no password; leave out what comes"),
        (f"s3://walks/b.mp4?sign={SECRET}", "s3://walks/b.mp4: an address with ? may hold a signature; leave out"),
        ("s3://walks/none/", "s3://walks/none/ holds no video; name an object, or a folder that holds some"),
        ("s3://walks/clips/*.mkv", r"no object matches s3://walks/clips/\*.mkv; check the folder and the pattern"),
    ],
)
def test_an_address_that_yields_nothing_is_refused_in_one_line(store: Bucket, asked: str, line: str) -> None:
    with pytest.raises(SettingError, match=f"^video: {line.replace('?', '[?]')}") as refused:
        find_videos(asked)
    assert SECRET not in str(refused.value)


def test_what_cannot_be_used_is_one_line_of_its_video(store: Bucket) -> None:
    names = ("clips/b.mp4", "clips", "empty.mp4", "a//b.mp4")
    said = [missing_reason(Video("", None, f"s3://walks/{name}")) for name in names]
    assert said == [
        "",
        "s3://walks/clips: there is no such object; check the address, which ends in / where it is a folder",
        "s3://walks/empty.mp4: is empty (0 bytes); upload it again",
        f"s3://walks/a//b.mp4: cannot be read (its name holds an empty part, or . or ..); {AUTHORIZED}",
    ]


def test_refused_credentials_are_one_line_without_them(store: Bucket) -> None:
    store.status = 403
    clause = f"(it refuses the credentials, or there are none); {AUTHORIZED}"
    assert missing_reason(Video("", None, "s3://walks/b.mp4")) == f"s3://walks/b.mp4: cannot be read {clause}"
    with pytest.raises(SettingError) as refused:
        find_videos("s3://walks/clips/")
    assert str(refused.value) == f"video: s3://walks/clips: its objects cannot be listed {clause}"


def test_a_store_that_is_away_is_waited_for_once(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def find(_: object, name: str) -> None:
        asked.append(name)
        raise StoreError(NOT_REACHED)

    monkeypatch.setattr(Objects, "find", find)
    said = [missing_reason(Video("", None, f"s3://walks/{number}.mp4")) for number in range(3)]
    assert said == [f"s3://walks/{number}.mp4: cannot be read ({NOT_REACHED}); {AUTHORIZED}" for number in range(3)]
    assert asked == ["0.mp4"]


def test_a_store_is_asked_once_about_each_object(store: Bucket) -> None:
    for _ in range(2):
        objects.look_up([video.address for video in find_videos("s3://walks/clips/*.mp4")])
    assert len(store.asked) == len(set(store.asked)) == 4  # is the pattern a name, the folder, and its two objects


def test_a_plan_says_how_much_is_to_be_downloaded_and_downloads_nothing(
    store: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flows.preflight.find_model_digests", lambda _: DIGESTS)
    config = settings.load(["video=[s3://walks/clips/b.mp4,s3://walks/none.mp4]", "outputs=[pose]"])
    assert dry_run.dry_run([("", config)], tmp_path) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["b: s3://walks/clips/b.mp4", "  download     runs    4 bytes to download"]
    assert "  would fail: s3://walks/none.mp4: there is no such object" in "\n".join(shown)
    assert {asked.split()[0] for asked in store.asked} == {"HEAD"} and not list(tmp_path.iterdir())
