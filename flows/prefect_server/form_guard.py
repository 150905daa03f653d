"""What the form in Prefect's UI may ask for: less than the command line, because others may fill it in.

Its settings read no file but videos, write nothing outside the served folder, and choose no code. A refusal names the
setting and repeats no part of its value. Of a list's content only the names of videos are ever shown.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from conf.config import Config
from conf.enums import Runner
from flows.config.error_lines import unknown_setting_line
from flows.config.overrides import CONF_FOLDER
from flows.config.schema import setting_names
from flows.objects import is_object
from flows.videos import VIDEO_SUFFIXES, find_videos, read_list
from tasks.errors import SettingError
from tasks.untrusted.paths import absolute_path, is_file

MAX_SETTINGS: Final = 200
MAX_CHARACTERS: Final = 10_000  # of one setting
NAME_PATTERN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
PRESETS_PATTERN: Final = re.compile(r"[A-Za-z0-9_]+(\s*,\s*[A-Za-z0-9_]+)*")
COMMAND_LINE_CURE: Final = "the form does not take that; give it on the command line"
HELP_CURE: Final = "`stillwalk --help=all` lists them"
SETTING_NAMES: Final = frozenset(setting_names())


def require_plain_overrides(overrides: Iterable[str]) -> list[str]:
    """The overrides without empty ones; ``SettingError`` unless each is a setting's name and a plain value."""
    given = [override.strip() for override in overrides if override.strip()]
    if len(given) > MAX_SETTINGS:
        raise SettingError(f"the form: it has more than {MAX_SETTINGS} settings; leave out those with default values")
    for number, override in enumerate(given, 1):
        _require_plain(number, override)
    return given


def _require_plain(number: int, override: str) -> None:
    name, equals, value = override.partition("=")
    shown = name if equals and name in SETTING_NAMES else f"setting {number}"
    if not equals or not NAME_PATTERN.fullmatch(name) or name.split(".")[0] == "hydra":
        raise SettingError(f"{shown}: a line of the form is name=value, with a setting of this program; {HELP_CURE}")
    if len(override) > MAX_CHARACTERS:
        raise SettingError(f"{shown}: its value is longer than {MAX_CHARACTERS} characters; give a shorter one")
    if re.search(r"\$\s*\{", value):
        raise SettingError(f"{shown}: the form takes no ${{...}}, which could read secrets here; give the value itself")
    if not value.isprintable():
        raise SettingError(f"{shown}: its value contains a control character; leave it out")
    if name not in SETTING_NAMES:
        group = name.split(".")[0]
        raise SettingError(unknown_setting_line(name if group in SETTING_NAMES else group))
    if (CONF_FOLDER / name).is_dir() and not PRESETS_PATTERN.fullmatch(value):
        raise SettingError(f"{name}: the form takes the name of a preset; {HELP_CURE}")


def require_inside(config: Config, served_folder: Path) -> None:
    """``SettingError`` where the configuration names a cluster, or a file or folder outside the served folder."""
    if config.runner.kind is Runner.dask:
        # What a scheduler sends is unpickled here: whoever chose its address could run programs in this account.
        raise SettingError(f"runner=dask: it runs what a scheduler sends; {COMMAND_LINE_CURE}")
    root = served_folder.resolve()
    paths = {
        "output_dir": config.output_dir,
        "cache_dir": config.cache_dir,
        "models.dir": config.models.dir,
        "background.image": config.background.image,
        "corrections": config.corrections,
    }
    for name, path in paths.items():
        if path is not None and not _is_inside(path, root):
            raise SettingError(f"{name}: it lies outside the served folder; {COMMAND_LINE_CURE}")
    if config.storage:  # it may lie anywhere, and this server's credentials would open it
        raise SettingError(f"storage: it lies outside the served folder; {COMMAND_LINE_CURE}")
    for item in config.video if isinstance(config.video, list) else [config.video]:
        _require_no_object(str(item))
        if str(item).startswith("@"):
            _require_list_of_videos(str(item), root)


def _require_no_object(item: str) -> None:
    """``SettingError`` for an object of a store, which this server's credentials would open."""
    if is_object(item):
        raise SettingError(f"video: an object of a store lies outside the served folder; {COMMAND_LINE_CURE}")


def _require_list_of_videos(item: str, root: Path) -> None:
    """``SettingError`` unless a list names existing video files only: its other lines must not be shown as names."""
    if not _is_inside(item[1:], root):
        raise SettingError(f"video: the list lies outside the served folder; {COMMAND_LINE_CURE}")
    try:
        for _, entry in read_list(absolute_path(item[1:])):
            _require_no_object(entry)
        paths = [video.path for video in find_videos(item)]
    except SettingError:
        paths = [None]
    if not all(path and path.suffix.lower() in VIDEO_SUFFIXES and is_file(path) for path in paths):
        raise SettingError("video: the list must contain only videos, one path per line; correct it")


def _is_inside(path: str, root: Path) -> bool:
    """Whether a path leads into the folder, links followed."""
    try:
        return absolute_path(path).resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):
        return False
