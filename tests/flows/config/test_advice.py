"""Advice in error lines works when it is typed."""

import re
from pathlib import Path

import pytest

from flows.config import settings
from flows.config.schema import is_list_type, setting_names, setting_type
from tasks.errors import SettingError
from tests.flows.config.composing import compose_once
from tests.support import program

LISTS = [name for name in setting_names() if is_list_type(setting_type(name))]
NO_SERVER = "http://127.0.0.1:9/api"
NEEDED = {"background.on": ["background=color"]}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)


@pytest.mark.parametrize("value", ["green", "5", "{a:1}"])
@pytest.mark.parametrize("name", LISTS)
def test_the_list_that_an_error_line_advises_is_accepted(name: str, value: str) -> None:
    with pytest.raises(SettingError) as refused:
        settings.load(["video=demo", f"{name}={value}"])
    advised = re.search(r"; give (?:them as in )?(\S+=\[.*\])$", str(refused.value))
    assert advised is not None, refused.value
    settings.load(["video=demo", advised[1]])


def run(folder: Path, name: str, *arguments: str) -> program.Ended:
    mine = ("--config-dir", ".", "--config-name", name)
    return program.run(*mine, "video=demo", "plan=true", *arguments, cwd=folder, api=NO_SERVER)


def test_an_unknown_config_name_is_one_line_with_a_cure_that_works(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("defaults: [config, _self_]\n")
    refused = program.run("--config-name", "lab", "video=demo", "plan=true", cwd=tmp_path, api=NO_SERVER)
    line = "--config-name: there is no file lab.yaml; name its folder with --config-dir, as in --config-dir . "
    assert (refused.status, refused.err) == (2, f"stillwalk: {line}--config-name lab\n")
    advised = refused.err.rpartition("as in ")[2].split()
    typed = program.run(*advised, "video=demo", "plan=true", cwd=tmp_path, api=NO_SERVER)
    assert (typed.status, typed.err) == (0, "")
    elsewhere = program.run("--config-dir", "none", "--config-name", "lab", "video=demo", cwd=tmp_path, api=NO_SERVER)
    assert elsewhere.status == 2
    assert elsewhere.err.startswith(f"stillwalk: --config-dir: there is no folder {tmp_path}/none; give the folder")


def test_a_yaml_file_takes_colours_as_text_and_makes_no_folder_of_hydras(tmp_path: Path) -> None:
    head = "defaults: [config, _self_]\nhydra: {run: {dir: made/here}, output_subdir: .h}\n"
    (tmp_path / "lab.yaml").write_text(
        f"{head}background: {{color: '#00b140'}}\nborder: {{mode: constant, color: [red]}}\n"
    )
    for more in ((), ("-m", "smoothing.window=5,7")):
        mine = ("--config-dir", ".", "--config-name", "lab", *more, "video=demo", "plan=true")
        done = program.run(*mine, cwd=tmp_path, api=NO_SERVER)
        assert (done.status, done.err) == (0, "") and [path.name for path in tmp_path.iterdir()] == ["lab.yaml"]


def test_a_text_that_is_no_colour_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    done = program.run("video=demo", "background.color=notacolour", "plan=true", cwd=tmp_path, api=NO_SERVER)
    assert (done.status, len(done.err.splitlines())) == (2, 1), done.err
    assert done.err.startswith("stillwalk: background.color: notacolour is not a colour; give ")


def test_a_preset_as_a_value_in_a_yaml_file_is_one_line_with_two_cures_that_work(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("defaults: [config, _self_]\nsmoothing: gaussian\n")
    refused = run(tmp_path, "lab")
    assert (refused.status, refused.out, len(refused.err.splitlines())) == (2, "", 1)
    assert refused.err.startswith("stillwalk: smoothing: gaussian is one word for a group of settings; write `")
    section, preset = re.findall(r"`(.+?)`", refused.err)
    (tmp_path / "section.yaml").write_text(f"defaults: [config, _self_]\n{section.replace('...', 'gaussian')}\n")
    (tmp_path / "preset.yaml").write_text(f"{preset}\n")
    for name in ("section", "preset"):
        typed = run(tmp_path, name, "--cfg", "job")
        assert (typed.status, typed.err) == (0, "")
        assert "kind: gaussian" in typed.out
