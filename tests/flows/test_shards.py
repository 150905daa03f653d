"""``shard=3/16``: each of several runs takes its part of the videos."""

from pathlib import Path

import pytest

from conf.config import Config
from conf.machines import Share, share_of
from flows import run
from flows.config import settings
from flows.videos import Video, find_all_videos, own_share
from tasks.errors import SettingError

settings.register_schema()
MANY = [Video(f"{number}", Path(f"clips/{number}.mp4")) for number in range(200)]


def loaded(*overrides: str) -> Config:
    return settings.load(list(overrides))


@pytest.mark.parametrize("count", [1, 3, 16, 500])
def test_every_video_is_in_exactly_one_share(count: int) -> None:
    shares = [own_share(MANY, f"{number}/{count}") for number in range(1, count + 1)]
    together = [video for share in shares for video in share]
    assert sorted(together, key=MANY.index) == MANY
    assert own_share(MANY, None) == MANY


def test_shares_are_about_even_and_do_not_depend_on_the_other_videos() -> None:
    share = own_share(MANY, "2/4")
    assert 30 <= len(share) <= 70
    assert own_share(MANY[:100], "2/4") == [video for video in share if video in MANY[:100]]


def test_a_share_is_decided_by_the_path_as_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines may see the same files under different folders."""
    shares = []
    for machine in ("one", "other"):
        for number in range(9):
            path = tmp_path / machine / "clips" / f"{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        monkeypatch.chdir(tmp_path / machine)
        shares.append([video.name for video in find_all_videos([loaded("video=clips", "shard=1/2")])])
    assert shares[0] == shares[1] and 0 < len(shares[0]) < 9


def test_names_are_unique_among_all_shares() -> None:
    """Two runs may write into one folder."""
    names = [
        video.name
        for number in (1, 2)
        for video in find_all_videos([loaded("video=[a/walk.mp4,b/walk.mp4,c/walk.mp4]", f"shard={number}/2")])
    ]
    assert len(set(names)) == 3 and "walk" not in names


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("3", "shard: '3' is no share; give one such as 3/16, the third of sixteen"),
        ("0/4", "shard: there is no share 0 of 4; give 1/4 to 4/4"),
        ("5/4", "shard: there is no share 5 of 4; give 1/4 to 4/4"),
        ("1/0", "shard: there are at most 100000 shares; give fewer, such as 3/16"),
        ("1/2/3", "shard: '1/2/3' is no share; give one such as 3/16, the third of sixteen"),
    ],
)
def test_what_is_no_share_is_refused(text: str, line: str) -> None:
    with pytest.raises(SettingError) as refused:
        loaded("video=demo", f"shard={text}")
    assert str(refused.value) == line


def test_a_share_is_read_from_text() -> None:
    assert share_of("3/16") == Share(3, 16)
    assert share_of(None) is None


def test_a_window_that_all_videos_share_is_refused_with_its_cure() -> None:
    asked = ("video=demo", "crop=auto", "crop.shared=true")
    with pytest.raises(SettingError, match=r"^crop\.shared: one window must fit all .*; give crop\.size, the same in"):
        loaded(*asked, "shard=1/2")
    assert loaded(*asked, "shard=1/1").crop.shared


def test_an_empty_share_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = tmp_path / "walk.mp4"
    clip.touch()
    (empty,) = {"1/2", "2/2"} - {
        shard for shard in ("1/2", "2/2") if find_all_videos([loaded(f'video="{clip}"', f"shard={shard}")])
    }
    asked = [f'video="{clip}"', f"shard={empty}", f"output_dir={tmp_path / 'out'}"]
    assert run.results_of_run(asked, output_dir=tmp_path / "out", base_dir=tmp_path / "out") == (0, [])
    assert capsys.readouterr().out == f"shard {empty}: 0 of 1 video\nnothing to do: other shares hold all of them\n"
    assert not (tmp_path / "out").exists()
