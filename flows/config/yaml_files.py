"""YAML files of a user, such as presets: read with bounds, and wrong in no way but a line of ``SettingError``.

Hydra reads every file of the search path by itself. What its parser cannot read ends in a traceback of many kinds, a
few lines of aliases stand for more memory than there is, and a file of 60 MB takes minutes.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from hydra._internal.core_plugins import file_config_source
from hydra._internal.sources_registry import SourcesRegistry
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import Container, OmegaConf
from omegaconf._utils import get_yaml_loader

from tasks.errors import SettingError
from tasks.untrusted.json_file import read_bytes, read_problem

MOST_BYTES: Final = 1 << 20  # all settings with their sentences have 40 kB
DEEPEST: Final = 20  # settings lie two deep
HEADER_CHARACTERS: Final = 512  # in which Hydra looks for `# @package`
WORD_TAG: Final = "tag:yaml.org,2002:str"


class FileConfigSource(file_config_source.FileConfigSource):
    """Takes the place, and therefore the name, of Hydra's own source of files."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Read one file; ``SettingError`` with file and line for what Hydra or YAML could not use."""
        path = Path(os.path.realpath(Path(self.path) / self._normalize_file_name(config_path)))
        text = _read_text(path)
        for place in _parse(path, text):
            _check_place(path, place)
        config = OmegaConf.load(io.StringIO(text))
        _check_defaults(path, config, like="square" if "/" in config_path else "config")
        header = ConfigSource._get_header_dict(text[:HEADER_CHARACTERS])
        return ConfigResult(config=config, path=f"{self.scheme()}://{self.path}", provider=self.provider, header=header)


def register_source() -> None:
    """Let Hydra read files by this source; it takes the first of a name, so this comes before all else of Hydra."""
    SourcesRegistry.instance().register(FileConfigSource)


class _Place(NamedTuple):
    """One event of a YAML file and where it stands: as a name of which mapping (None: as no name), and how deep."""

    event: Any
    names: set[str] | None
    depth: int


def _read_text(path: Path) -> str:
    try:
        return read_bytes(path, MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingError(f"{path}: it is not a text file in UTF-8; save it as one") from error
    except (OSError, ValueError) as error:
        fact = read_problem(path, error)
        raise SettingError(f"{path}: it cannot be read as settings ({fact}); name another file") from error


def _parse(path: Path, text: str) -> Iterator[_Place]:
    """What stands in the file; ``SettingError`` where it is no YAML."""
    documents = 0
    open_mappings: list[tuple[set[str] | None, bool]] = []  # names of a mapping, None for a list; is a name next?
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.CollectionEndEvent):
                open_mappings.pop()
                continue
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                raise SettingError(f"{path} line {event.start_mark.line + 1}: a second document begins; remove it")
            if not isinstance(event, yaml.NodeEvent):
                continue
            names, is_name = open_mappings[-1] if open_mappings else (None, False)
            yield _Place(event, names if is_name else None, len(open_mappings))
            if open_mappings and names is not None:
                open_mappings[-1] = names, not is_name
            if isinstance(event, yaml.CollectionStartEvent):
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                open_mappings.append((set() if is_mapping else None, is_mapping))
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingError(f"{path}{line}: this is not valid YAML ({error.problem}); correct it") from error
    except yaml.YAMLError as error:  # a character that no YAML file may hold
        raise SettingError(f"{path}: it holds a control character; leave it out") from error


def _check_place(path: Path, place: _Place) -> None:
    """``SettingError`` for what YAML allows and settings have no use for."""
    event, names, depth = place
    where = f"{path} line {event.start_mark.line + 1}"
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise SettingError(f"{where}: & and * are not taken here; write the value itself")
    if event.tag is not None:
        raise SettingError(f"{where}: the tag {event.tag} is not taken here; write a plain value")
    if depth >= DEEPEST:
        raise SettingError(f"{where}: its brackets are nested too deeply; remove some, for settings lie two deep")
    if depth == 0 and not isinstance(event, yaml.MappingStartEvent) and getattr(event, "value", None) != "":
        raise SettingError(f"{where}: a file of settings holds lines such as `smoothing: {{window: 9}}`; write those")
    if names is not None:
        _check_name(where, event, names)


def _check_name(where: str, event: Any, names: set[str]) -> None:
    """Require a word that the mapping does not have yet."""
    if not isinstance(event, yaml.ScalarEvent):
        raise SettingError(f"{where}: a name must be one word; write lines such as `smoothing: {{window: 9}}`")
    loader = get_yaml_loader()("")
    if loader.resolve(yaml.ScalarNode, event.value, event.implicit) != WORD_TAG:
        raise SettingError(f"{where}: YAML does not take {event.value} for a name; put it in quotes: '{event.value}'")
    if event.value in names:
        raise SettingError(f"{where}: {event.value} is given twice; remove one of the two")
    names.add(event.value)


def _check_defaults(path: Path, config: Container, like: str) -> None:
    """``SettingError`` for a list ``defaults`` that Hydra cannot follow; ``like``: a file that it could name."""
    defaults = OmegaConf.to_container(config, resolve=False)
    items = defaults.get("defaults", []) if isinstance(defaults, dict) else []
    if not isinstance(items, list) or not all(map(_is_default, items)):
        raise SettingError(f"{path}: defaults: this is no list of presets; write as in `defaults: [{like}, _self_]`")


def _is_default(item: Any) -> bool:
    """Whether this is a preset's name, or one group with the name, or the names, of its presets."""
    if not isinstance(item, dict):
        return isinstance(item, str)
    values = list(item.values())
    are_words = [isinstance(one, list) and all(isinstance(word, str) for word in one) for one in values]
    return len(values) == 1 and (values[0] is None or isinstance(values[0], str) or are_words[0])
