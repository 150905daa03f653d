"""A user's YAML files: whatever they hold, Hydra's reader ends in settings or in one line that names the file."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from flows.config import presets, settings
from flows.config.error_lines import explain, is_of_settings
from flows.config.overrides import CONF_FOLDER
from flows.config.yaml_files import MOST_BYTES, FileConfigSource
from tasks.errors import SettingError

HEAD = b"# @package _global_\n"
LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 9)) for name in range(ord("b"), ord("k"))
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "preset").mkdir()
    return tmp_path


def read(folder: Path, text: bytes) -> object:
    (folder / "preset" / "mine.yaml").write_bytes(HEAD + text)
    return FileConfigSource("user", f"file://{folder}").load_config("preset/mine").config


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (LAUGHS, "line 2: & and * are not taken here"),
        (b"lock: {x: &x [*x]}", "line 2: & and * are not taken here"),
        (b"outputs: !!python/object/apply:os.system [true]", "line 2: the tag tag:yaml.org,2002:python/object/apply"),
        (b"server: !!binary aGVsbG8=", "line 2: the tag tag:yaml.org,2002:binary"),
        (b"lock: {x: 1}\nlock: {y: 1}", "line 3: lock is given twice"),
        (b"\tlock: x", "line 2: this is not valid YAML"),
        (b"lock: {x: 0.5", "line 2: this is not valid YAML"),
        (b"outputs: \xff\xfe", ": it is not a text file in UTF-8"),
        (b"# \x1b[2J", ": it holds a control character"),
        (b"- a\n- b", "line 2: a file of settings holds lines such as"),
        (b"text", "line 2: a file of settings holds lines such as"),
        (b"a: 1\n---\nb: 2", "line 3: a second document begins"),
        (b"lock: {1: 2}", "line 2: YAML does not take 1 for a name"),
        (b"background: {on: [stabilized]}", "line 2: YAML does not take on for a name; put it in quotes: 'on'"),
        (b"? {a: b}\n: 1", "line 2: a name must be one word"),
        (b"lock: " + b"[" * 20_000, "line 2: its brackets are nested too deeply"),
        (b"#" * MOST_BYTES, f": it cannot be read as settings (has more than {MOST_BYTES} bytes)"),
        (b"defaults: 3", ": defaults: this is no list of presets; write as in `defaults: [square, _self_]`"),
        (b"defaults: [{a: {b: c}}]", ": defaults: this is no list of presets"),
    ],
)
def test_what_is_no_file_of_settings_is_one_line_with_the_file_at_once(folder: Path, text: bytes, line: str) -> None:
    begin = time.process_time()
    with pytest.raises(SettingError) as refused:
        read(folder, text)
    message = str(refused.value)
    assert message.startswith(f"{folder}/preset/mine.yaml") and line in message and "; " in message
    assert "\n" not in message and time.process_time() - begin < 1


def test_a_file_of_settings_is_read_as_it_is(folder: Path) -> None:
    text = (
        b"---\n# Square.\ndefaults: [square, {override /border: blur}]\nbackground: {'on': [person]}\nlock:\n  x: 0.5\n"
    )
    assert read(folder, text) == {
        "defaults": ["square", {"override /border": "blur"}],
        "background": {"on": ["person"]},
        "lock": {"x": 0.5},
    }
    assert read(folder, b"") == {}


@pytest.fixture
def composing(folder: Path) -> Iterator[Path]:
    """Hydra reads the folder as the command does with ``--config-dir``."""
    settings.register_schema()
    (folder / "own.yaml").write_text((CONF_FOLDER / "config.yaml").read_text())
    with initialize_config_dir(str(folder), version_base="1.3"):
        yield folder


def test_hydra_reads_files_by_this_source(composing: Path) -> None:
    (composing / "preset" / "mine.yaml").write_bytes(HEAD + b"lock: !!set {a}")
    with pytest.raises(SettingError, match=r"mine\.yaml line 2: the tag"):
        compose("preset/mine")


def test_files_that_name_each_other_are_one_line(composing: Path) -> None:
    (composing / "preset" / "one.yaml").write_bytes(HEAD + b"defaults: [two]")
    (composing / "preset" / "two.yaml").write_bytes(HEAD + b"defaults: [one]")
    with pytest.raises(RecursionError) as endless:
        compose("preset/one")
    assert explain(endless.value).startswith("defaults: the YAML files name each other without end; ")
    assert is_of_settings(endless.value)


def test_an_endless_recursion_elsewhere_is_not_taken_for_one_of_the_settings() -> None:
    def again() -> None:
        again()

    with pytest.raises(RecursionError) as endless:
        again()
    assert not is_of_settings(endless.value)


def test_help_waits_for_no_pipe_among_the_presets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    place = presets.user_folder() / "preset"
    place.mkdir(parents=True)
    os.mkfifo(place / "pipe.yaml")
    (place / "zero.yaml").symlink_to("/dev/zero")
    assert {"pipe", "zero"} <= {preset.name for preset in presets.presets() if not preset.sentence}
