"""From the words of the command line to what is done: help, a run, a sweep, the cache, the form.

Nothing heavy is imported here: help, ``--cfg`` and tab completion must not pay for Prefect or MediaPipe.
"""

import atexit
import gc
import os
import sys
import threading
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn, cast

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig
from omegaconf.errors import OmegaConfBaseException

from flows.cli import arguments, cache_commands, exit_status, interrupt
from flows.cli.help import manual
from flows.config import settings
from tasks.errors import SettingError, StillwalkError
from tasks.paths import absolute_path

# Loading Prefect and MediaPipe makes half a million objects that live to the end: at Python's own pace the search for
# dead ones among them takes a tenth of a run of a few seconds. See also ``tasks.execution.memory.keep_what_is_loaded``.
gc.set_threshold(50_000, 20, 20)
# The matrices of this program are small: BLAS's threads for them cost more, waiting, than they bring.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# So are the pieces that OpenCV would hand to threads of its own; the cores are busy with other frames and videos.
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
# Arrow's own heap keeps what the tables of a run have once taken; they are small, and any heap is quick enough.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def obey() -> None:
    """Do what ``sys.argv`` says and exit with 0 (all done), 1 (a video failed) or 2 (the configuration is wrong)."""
    if sys.argv[1:2] == ["cache"]:
        code = 0
        with interrupt.reader_may_leave():
            code = cache_commands.main(sys.argv[2:])
        sys.exit(code)
    if sys.argv[1:2] == ["serve"]:
        from flows.prefect_server.serve import serve

        sys.exit(serve(sys.argv[2:]))
    if {"--help", "-h"} & set(sys.argv[1:]):
        with interrupt.reader_may_leave():
            print(manual())
        return
    if "--version" in sys.argv[1:]:
        print(f"stillwalk {version('stillwalk')}")
        return
    sys.argv[1:] = [settings.quoted(argument, sweep=_sweeps(sys.argv)) for argument in sys.argv[1:]]
    traceback_wanted = "HYDRA_FULL_ERROR" in os.environ
    if traceback_wanted:
        os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "ERROR"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # lets errors pass to the lines below instead of printing them
    settings.register()
    sys.path.append(str(settings.PLUGINS))
    try:
        arguments.check(arguments.overrides_among(sys.argv[1:]))
        entry()
    except SettingError as error:
        exit_status.refuse(error)
    except (HydraException, OmegaConfBaseException, OverflowError) as error:
        foreign = isinstance(error, OverflowError) and "full_key" not in str(error)  # not of OmegaConf
        if traceback_wanted or foreign:
            raise
        exit_status.refuse(error)
    _end(exit_status.worst())


def _end(code: int) -> NoReturn:
    """End as Python does, but after a run without taking the interpreter apart: there a native library was seen to
    crash when all was done.
    """
    if "prefect" not in sys.modules:
        sys.exit(code)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _sweeps(arguments: list[str]) -> bool:
    return bool({"-m", "--multirun"} & set(arguments))


@hydra.main(version_base="1.3", config_path=str(settings.CONF), config_name="config")
def entry(composed: DictConfig) -> None:
    """The whole run with one setting. ``-m`` comes here only with a launcher other than ours, a job a time."""
    from flows.run import run

    job = HydraConfig.get()
    asked = settings.as_given(cast(ListConfig, job.overrides.task))
    try:
        base = absolute_path(settings.load(asked).output_dir)
        output_dir = Path(job.runtime.output_dir) if job.mode is RunMode.MULTIRUN else base
        exit_status.note(run(asked, output_dir=output_dir, base_dir=base))
    except StillwalkError as error:  # here, because Hydra adds a line of its own to what passes through it
        exit_status.refuse(error)
