import json
import os
from pathlib import Path

import pytest

from flows.results.atomic_files import PART_SUFFIX
from flows.results.index import INDEX_PAGE_NAME
from flows.videos import Video, find_videos, missing_reason, path_digest
from tasks.errors import SettingError


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.mov", "notes.txt", "sub/b.mp4", "my clip [1].mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"clip")
    return tmp_path


def names(asked: object) -> list[str]:
    return [video.name for video in find_videos(asked)]


def test_one_file_is_named_by_its_stem(clips: Path) -> None:
    assert find_videos(str(clips / "b.mp4")) == [Video("b", clips / "b.mp4")]


def test_the_demo_needs_no_file() -> None:
    assert find_videos("demo") == [Video("demo", None)]


def test_a_glob_a_folder_and_a_list_expand_in_order(clips: Path) -> None:
    assert names(str(clips / "*.mp4")) == ["b", "my clip [1]"]
    assert names(str(clips)) == ["a", "b", "my clip [1]"]
    assert names([str(clips / "b.mp4"), "demo", str(clips / "a.mov")]) == ["b", "demo", "a"]


def test_an_existing_file_with_brackets_is_not_a_pattern(clips: Path) -> None:
    assert names(str(clips / "my clip [1].mp4")) == ["my clip [1]"]


def test_a_video_given_twice_is_used_once(clips: Path) -> None:
    assert names([str(clips / "b.mp4"), str(clips / "b.*")]) == ["b"]


def test_one_path_given_in_two_ways_is_one_video(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clips)
    assert names(["b.mp4", str(clips / "b.mp4"), "./b.mp4"]) == ["b"]


def test_hidden_files_of_a_folder_are_skipped(clips: Path) -> None:
    (clips / "._b.mp4").touch()
    assert names(str(clips)) == ["a", "b", "my clip [1]"]


def test_a_recursive_glob_skips_the_programs_results(clips: Path) -> None:
    (clips / "outputs" / "b").mkdir(parents=True)
    for name in ("stabilized.mp4", "mine.mp4"):
        (clips / "outputs" / "b" / name).touch()
    (clips / "outputs" / "b" / "run.json").write_text(json.dumps({"deliverables": {"stabilized.mp4": {}}}))
    found = find_videos(f"{clips}/**/*.mp4")
    assert sorted(video.path.name for video in found if video.path) == ["b.mp4", "b.mp4", "mine.mp4", "my clip [1].mp4"]
    assert names(f"{clips}/outputs/*/stabilized.mp4") == ["stabilized"]


def test_a_link_to_a_folder_above_gives_no_video_twice(clips: Path) -> None:
    (clips / "sub" / "above").symlink_to("..")
    (clips / "c.mp4").symlink_to("b.mp4")
    found = find_videos(f"{clips}/**/*.mp4")
    places = sorted(str(video.path.relative_to(clips)) for video in found if video.path)
    assert places == ["b.mp4", "c.mp4", "my clip [1].mp4", "sub/b.mp4"]


def test_two_videos_with_one_name_get_two_names(clips: Path) -> None:
    found = names([str(clips / "b.mp4"), str(clips / "sub" / "b.mp4")])
    assert len(set(found)) == 2
    assert all(name.startswith("b-") for name in found)


def test_two_links_to_one_file_get_two_names(tmp_path: Path) -> None:
    for place in "abc":
        (tmp_path / place).mkdir()
    (tmp_path / "a" / "walk.mp4").write_bytes(b"x")
    (tmp_path / "b" / "walk.mp4").symlink_to(tmp_path / "a" / "walk.mp4")
    (tmp_path / "c" / "walk.mp4").write_bytes(b"x")
    videos = find_videos([str(tmp_path / place / "walk.mp4") for place in "abc"])
    assert len({video.name for video in videos}) == 3
    assert videos[2].name == f"walk-{path_digest(tmp_path / 'c' / 'walk.mp4')}", "others keep the short digest"


def test_a_file_that_is_named_like_a_digest_takes_no_name_from_another(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "walk.mp4", tmp_path / "b" / "walk.mp4"]
    paths.append(tmp_path / f"WALK-{path_digest(paths[0])}.mp4")
    assert len({video.name.casefold() for video in find_videos([str(path) for path in paths])}) == 3


@pytest.mark.parametrize("chance", [1, 2])
def test_names_of_videos_whose_digests_are_the_same_by_chance_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chance: int
) -> None:
    monkeypatch.setattr("flows.videos.path_digest", lambda path: str(int(path.parent.name) % chance))
    videos = find_videos([str(tmp_path / str(number) / "walk.mp4") for number in range(6)])
    assert len({video.name for video in videos}) == 6


def test_a_list_file_names_videos_relative_to_itself(clips: Path) -> None:
    (clips / "list.txt").write_text("\ufeffb.mp4\n# clips\n\nsub/b.mp4\n")  # as Windows writes it
    assert [missing_reason(video) for video in find_videos(f"@{clips / 'list.txt'}")] == ["", ""]


def test_a_list_inside_a_list_is_a_missing_file(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clips)
    (clips / "list.txt").write_text("@list.txt\n")
    assert [missing_reason(video) for video in find_videos("@list.txt")] == [
        "@list.txt: there is no such file; check line 1 of list.txt"
    ]


def test_a_file_whose_name_begins_like_a_list_is_that_file(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clips)
    (clips / "b.mp4").rename("@anna.mp4")
    assert names("@anna.mp4") == ["@anna"]
    (clips / "anna.mp4").write_text("sub/b.mp4\n")
    assert names("@anna.mp4") == ["b"]
    with pytest.raises(SettingError, match=r"the list none\.txt cannot be read \(No such file or directory\); give a"):
        find_videos("@none.txt")


def test_several_files_without_brackets_are_told_to_be_a_list(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clips)
    joined = [missing_reason(video) for given in ("b.mp4,a.mov", "b.mp4, none.mp4") for video in find_videos(given)]
    assert joined == [
        "b.mp4,a.mov: there is no such file; write several as a list, such as video='[a.mp4, b.mp4]'",
        "b.mp4, none.mp4: there is no such file; check the path",
    ]


def test_a_folder_gives_the_videos_of_old_cameras_and_discs(tmp_path: Path) -> None:
    for name in ("a.VOB", "b.flv", "c.asf", "d.3g2", "e.dv", "notes.srt"):
        (tmp_path / name).touch()
    assert names(str(tmp_path)) == ["a", "b", "c", "d", "e"]


def test_a_missing_file_is_kept_and_fails_alone(clips: Path) -> None:
    assert names([str(clips / "none.mp4"), str(clips / "b.mp4")]) == ["none", "b"]


def test_irregular_files_are_named_and_skipped_by_folders_and_globs(clips: Path) -> None:
    os.mkfifo(clips / "pipe.mp4")
    listed = find_videos([str(clips / "pipe.mp4"), str(clips / "none.mp4"), str(clips / "b.mp4"), "/dev/zero", "demo"])
    said = [missing_reason(video) for video in listed]
    assert [reason.partition(": ")[2] for reason in said] == [
        "is not a regular file; give a video file",
        "there is no such file; check the path",
        "",
        "is not a regular file; give a video file",
        "",
    ]
    assert "pipe" not in [*names(str(clips)), *names(str(clips / "*.mp4"))]
    with pytest.raises(SettingError, match="no file matches"):
        find_videos(str(clips / "pipe*"))


def test_a_path_that_the_system_refuses_fails_alone(clips: Path) -> None:
    long = clips / ("a" * 300 + ".mp4")
    listed = find_videos([str(long), "~nobody-of-this-name/a.mp4", str(clips / "b.mp4")])
    assert [missing_reason(video) for video in listed] == [
        f"{long}: cannot be opened (File name too long); check its name, and the permissions of its folder",
        "~nobody-of-this-name/a.mp4: there is no such file; check the path",
        "",
    ]


@pytest.mark.parametrize("asked", [None, "", ["", "demo"]])
def test_an_empty_name_is_refused(clips: Path, asked: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clips)
    with pytest.raises(SettingError, match=r"^video: the name is empty; name a file"):
        find_videos(asked)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("{}/*.mkv", "no file matches"),
        ("{}/empty", "holds no video"),
        ("@{}/none.txt", "cannot be read"),
        ("http://example.org/walk.mp4", "is a web address; download the file first"),
        ("@{}/urls.txt", r"line 3 of \S+/urls\.txt: RTSP://camera/1 is a web address; download the file first"),
    ],
)
def test_a_value_that_yields_no_video_is_refused_in_one_line(clips: Path, asked: str, sentence: str) -> None:
    (clips / "empty").mkdir()
    (clips / "urls.txt").write_text("# cameras\n\nRTSP://camera/1\n")
    with pytest.raises(SettingError, match=f"video: .*{sentence}"):
        find_videos(asked.format(clips))


def test_video_names_are_short_enough_and_printable(tmp_path: Path) -> None:
    long = ["ä" * 120 + ".mp4", "new\nline.mp4"]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for name in long:
            (tmp_path / folder / name).touch()
    videos = find_videos([str(tmp_path / "a"), str(tmp_path / "b")])
    assert len({video.name for video in videos}) == 4
    for video in videos:
        assert len(video.name.encode()) <= 220
        assert video.name.isprintable()


def test_a_name_of_blanks_can_be_seen(tmp_path: Path) -> None:
    (tmp_path / "  .mp4").touch()
    assert [video.name for video in find_videos(str(tmp_path / "  .mp4"))] == ["__"]


def test_a_reserved_name_gets_a_digest(tmp_path: Path) -> None:
    own = (
        "Batch.json",
        "batch.csv",
        INDEX_PAGE_NAME,
        "sweeps",
        ".cache",
        ".prefect",
        f".{INDEX_PAGE_NAME}{PART_SUFFIX}",
        ".",
        "..",
    )
    for name in (*own, "batch", "sweep.json"):
        (tmp_path / f"{name}.mp4").touch()
    paths = [tmp_path / f"{name}.mp4" for name in own]
    assert [video.name for video in find_videos([str(path) for path in paths])] == [
        f"{name}-{path_digest(path)}" for name, path in zip(own, paths, strict=True)
    ]
    assert names([str(tmp_path / "batch.mp4"), str(tmp_path / "sweep.json.mp4")]) == ["batch", "sweep.json"]


def test_a_name_that_is_not_utf8_is_refused_in_one_line(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/walk\xff.mp4")).touch()
    with pytest.raises(SettingError, match=r"walk\\xff\.mp4 is not in UTF-8; rename the file"):
        find_videos(str(tmp_path))


def test_a_folder_above_a_video_has_a_name_in_utf8_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/clips\xff"))
    folder.mkdir()
    (folder / "walk.mp4").touch()
    monkeypatch.chdir(folder)
    with pytest.raises(SettingError, match=r"clips\\xff/walk\.mp4 is not in UTF-8; rename the file, or its folder$"):
        find_videos("walk.mp4")
