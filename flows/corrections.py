"""Which corrections by hand a video gets: the file that is named, or the one in its folder of results."""

from pathlib import Path
from typing import Final

from conf.config import Config
from flows.results.result import person_folder
from tasks.untrusted.corrections_file import CORRECTIONS_NAME, Corrections, read_corrections
from tasks.untrusted.paths import absolute_path, exists, expand_home

NO_CORRECTIONS: Final = "none"


def corrections_path(config: Config, name: str, person: int = 0) -> Path | None:
    """The file for the video ``name``, or for one person of it; None where there is none."""
    if config.corrections == NO_CORRECTIONS:
        return None
    if config.corrections is not None:
        return expand_home(config.corrections)
    folder = absolute_path(config.output_dir) / name
    found = (folder / person_folder(person) if person else folder) / CORRECTIONS_NAME
    return found if exists(found) else None


def given_corrections(
    config: Config, name: str, person: int = 0, *, frames: int = 0, size_px: tuple[int, int] | None = None
) -> Corrections:
    """The job's corrections, empty without a file; ``SettingError`` as of ``read_corrections``."""
    path = corrections_path(config, name, person)
    return Corrections() if path is None else read_corrections(path, frames=frames, size_px=size_px)
