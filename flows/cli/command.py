"""Runs the command line: help, a run, a sweep, and the subcommands; keeps the exit status of the process.

Nothing heavy is imported here, so that help, ``--cfg`` and tab completion do not load Prefect or MediaPipe.
"""

import atexit
import gc
import os
import shutil
import sys
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final, NoReturn, cast

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig
from omegaconf.errors import OmegaConfBaseException

from flows.cli.help import LINE_COLUMNS, help_topic, manual
from flows.cli.terminal_text import guard_output, is_output_lost, show_status
from flows.config import settings
from flows.config.error_lines import explain, is_of_settings
from flows.config.overrides import (
    CONF_FOLDER,
    check_given_once,
    check_overrides,
    parse_arguments,
    quote_argument,
    raw_overrides,
)
from tasks.errors import SettingError, StillwalkError, plain_reason
from tasks.records import MAX_PICTURE_PX
from tasks.untrusted.paths import absolute_path
from tasks.untrusted.plain_text import one_line

# Prefect and MediaPipe create half a million objects that live until the end. With Python's default thresholds the
# garbage collector takes a tenth of a run of a few seconds to search them. See ``memory.keep_what_is_loaded``.
gc.set_threshold(50_000, 20, 20)
# The matrices of this program are small: BLAS threads cost more time to synchronize than they save.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# The same holds for OpenCV: the cores are busy with other frames and videos.
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
# OpenCV refuses a larger picture when it has read the header. Its own bound, 1024 megapixels, takes 6 GB to decode.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PICTURE_PX))
# Arrow's own memory pool does not return memory to the system; the tables of a run are small.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

REFUSED_STATUS: Final = 2
FAULT_STATUS: Final = 1
HYDRA_WRITES_NOTHING: Final = ["hydra.run.dir=.", "hydra.output_subdir=null"]  # whatever a user's YAML file says
_statuses: list[int] = []  # of the runs so far: Hydra keeps no return values


def run_command_line() -> NoReturn:
    """Run the command in ``sys.argv`` and exit with 0 (all done), 1 (a video failed) or 2 (a setting is wrong).

    Where all was done but could not be told, the status is 1. So it is where something happened that nobody foresaw:
    that is a line, and a traceback with ``HYDRA_FULL_ERROR``.
    """
    traceback_wanted = "HYDRA_FULL_ERROR" in os.environ
    guard_output()
    try:
        _run_asked()
    except Exception as error:
        if traceback_wanted:
            raise
        print(f"stillwalk: {one_line(plain_reason(error))}", file=sys.stderr)
        _exit(FAULT_STATUS)


def _run_asked() -> NoReturn:
    """Run what ``sys.argv`` asks for, and exit."""
    try:
        Path.cwd()
    except OSError:
        fact = "the folder in which this was typed does not exist any more"
        print(f"stillwalk: {fact}; change to another, such as with cd ~", file=sys.stderr)
        sys.exit(REFUSED_STATUS)
    given = sys.argv[1:]
    if given and (subcommand := _subcommand(given[0])):
        sys.exit(_told(subcommand(given[1:])))
    topic = help_topic(given)
    if topic is not None:
        sys.exit(_told(_print_help(topic)))
    if "--version" in given:
        print(f"stillwalk {version('stillwalk')}")
        sys.exit(_told(0))
    _run_settings()
    _exit(max(_statuses, default=0))


def _subcommand(name: str) -> Callable[[list[str]], int] | None:
    """The function of a subcommand, which takes its arguments; None for another word. Loads what it needs."""
    match name:
        case "cache":
            from flows.cli.cache_commands import run_cache_command

            return run_cache_command
        case "index":
            from flows.cli.index_command import run_index_command

            return run_index_command
        case "models":
            from flows.cli.models_command import run_models_command

            return run_models_command
        case "prune":
            from flows.cli.cache_commands import refuse_prune

            return refuse_prune
        case "serve":
            from flows.prefect_server.serve import serve

            return serve
        case "ui":
            from flows.prefect_server.ui import run_ui

            return run_ui
        case _:
            return None


def _run_settings() -> None:
    """Run with the settings in ``sys.argv``, and note the status; a wrong setting becomes one line."""
    traceback_wanted = "HYDRA_FULL_ERROR" in os.environ
    if traceback_wanted:
        os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "ERROR"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises errors instead of printing them
    settings.register_schema()
    sys.path.append(str(settings.PLUGIN_FOLDER))
    try:
        if "COMP_LINE" not in os.environ:  # else a shell asks for completions
            show_status(["starting"])
        sys.argv[1:] = [quote_argument(argument, sweep=_is_sweep(sys.argv)) for argument in sys.argv[1:]]
        overrides = parse_arguments(sys.argv[1:])
        check_overrides(overrides)
        if overrides == sys.argv[1:] and not traceback_wanted:  # no option for Hydra, whose own way composes twice more
            _run_once(overrides)
        else:
            _enter_hydra(overrides)
    except SettingError as error:
        refuse(error)
    except (HydraException, OmegaConfBaseException, OverflowError, RecursionError) as error:
        if traceback_wanted or not is_of_settings(error):
            raise
        refuse(error)
    finally:
        show_status([])


def _print_help(topic: str) -> int:
    """Print help and return the exit status."""
    try:
        text = manual(topic, min(LINE_COLUMNS, shutil.get_terminal_size((LINE_COLUMNS, 0)).columns))
    except SettingError as error:
        print(f"stillwalk: {error}", file=sys.stderr)
        return REFUSED_STATUS
    print(text)
    return 0


def note_status(status: int) -> None:
    """Remember the exit status of a run; the process exits with the greatest."""
    _statuses.append(status)


def refuse(error: BaseException) -> None:
    """Print in one line why nothing was started, and remember exit status 2."""
    print(f"stillwalk: {one_line(explain(error))}", file=sys.stderr)
    note_status(REFUSED_STATUS)


def _told(status: int) -> int:
    """The exit status: 1 instead of 0 where lines of the output are missing."""
    sys.stdout.flush()
    return max(status, int(is_output_lost()))


def _exit(code: int) -> NoReturn:
    """Exit like Python, but after a run skip the destruction of the interpreter, where a native library crashed."""
    status = _told(code)
    if "prefect" not in sys.modules:
        sys.exit(status)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _is_sweep(arguments: list[str]) -> bool:
    return bool({"-m", "--multirun"} & set(arguments))


def _enter_hydra(overrides: list[str]) -> None:
    """Leave ``sys.argv``, whose settings are ``overrides``, to Hydra: it does what its options say."""
    if _is_sweep(sys.argv):
        check_given_once(overrides)
    if not {"-sc", "--shell-completion", "--shell_completion", "--hydra-help"} & set(sys.argv):
        place = sys.argv.index(overrides[0]) if overrides else len(sys.argv)
        sys.argv[place:place] = HYDRA_WRITES_NOTHING
    hydra_entry()


@hydra.main(version_base="1.3", config_path=str(CONF_FOLDER), config_name="config")
def hydra_entry(composed: DictConfig) -> None:
    """Run with one setting. ``-m`` calls this only under a launcher other than ours, which a YAML file may choose."""
    job = HydraConfig.get()
    if job.mode is RunMode.MULTIRUN:
        fact, cure = "a sweep is one run, by the program's own launcher", "remove it from the YAML file"
        refuse(SettingError(f"hydra/launcher: {fact}; {cure}"))  # not raised: Hydra would add a line of its own
    else:
        _run_once(raw_overrides(cast(ListConfig, job.overrides.task)))


def _run_once(overrides: list[str]) -> None:
    """Run with one setting, and note the status; errors become one line."""
    from flows.run import run

    try:
        base = absolute_path(settings.load(overrides).output_dir)
        note_status(run(overrides, output_dir=base, base_dir=base))
    except StillwalkError as error:
        refuse(error)
