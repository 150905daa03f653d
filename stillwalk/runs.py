"""``stabilize``: the program as a child process, so that it changes nothing in the process that calls it.

The program sets up Prefect, its own signal handlers, BLAS threads and memory pools, and ends a process whose server is
gone. None of that belongs into a notebook or a server.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final

from flows.config.schema import setting_type
from flows.config.settings import child_environment
from flows.objects import forget
from flows.results.result import read_record
from flows.videos import find_videos
from stillwalk.results import Results, load
from tasks.errors import SettingError, StillwalkError, VideoError

PROGRAM: Final = "flows.stabilize"
REFUSED_STATUS: Final = 2
_WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.#")


def stabilize(
    video: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    *,
    output_dir: str | os.PathLike[str] = "outputs",
    **settings: object,
) -> Results:
    """Stabilize one video, or ``demo``, and return what ``load`` gives of its folder.

    ``overrides`` are those of the command line, such as ``"lock.x=0.8"``. ``settings`` are the same as
    arguments: ``crop="auto"``, ``lock={"x": 0.8}``, ``outputs=["stabilized", "masks"]``. The same call again
    takes everything from the cache. ``SettingError`` for a setting that cannot be honoured, before any work;
    ``VideoError`` if the video failed; ``KeyboardInterrupt`` if the run was interrupted.
    """
    if isinstance(overrides, str):
        raise SettingError(f"overrides: {overrides} is one text; give a list, as in [{json.dumps(overrides)}]")
    name = os.fspath(video)
    forget()  # what a store said before an earlier call
    found = find_videos(name)
    if len(found) != 1:
        raise SettingError(f"video: {name} names {len(found)} videos; give one, and call once for each")
    given = [item for key, value in settings.items() for item in _overrides(key, value)]
    folder = Path(output_dir).expanduser().absolute()
    status, errors = _run([f"video={name}", f"output_dir={folder}", *given, *overrides])
    result = folder / found[0].name
    if status == REFUSED_STATUS:
        raise SettingError(errors[-1] if errors else "the settings were refused")
    if status < 0 or status > REFUSED_STATUS:
        if status in (-signal.SIGINT, 128 + signal.SIGINT):
            raise KeyboardInterrupt
        raise StillwalkError(errors[-1] if errors else f"the run ended with status {status}")
    if status:
        fact = read_record(result).get("error") or (errors[-1] if errors else f"{name}: the run failed")
        raise VideoError(str(fact))
    return load(result)


def _run(arguments: list[str]) -> tuple[int, list[str]]:
    """Run the program; its exit status, and its lines about errors. Its progress is not shown."""
    command = [sys.executable, "-P", "-m", PROGRAM, *arguments]
    with subprocess.Popen(
        command, env=child_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        try:
            _, told = child.communicate()
        except BaseException:
            child.send_signal(signal.SIGINT)  # finished stages are kept; it ends within 3 s
            child.wait()
            raise
    lines = told.decode(errors="replace").splitlines()
    return child.returncode, [line.removeprefix("stillwalk: ") for line in lines if line.startswith("stillwalk: ")]


def _overrides(name: str, value: object) -> list[str]:
    """``name=value`` as the command line takes it; one for each setting of a section that is given as a mapping.

    A setting that is a mapping itself, such as ``anchor.landmarks``, stays one.
    """
    if isinstance(value, Mapping) and setting_type(name) is not Any:
        return [item for key, inner in value.items() for item in _overrides(f"{name}.{key}", inner)]
    return [f"{name}={_text(name, value)}"]


def _text(name: str, value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, os.PathLike):
        return str(value)
    if isinstance(value, str):
        is_plain = bool(value) and (_WORD.issuperset(value) or "/" in value or "(" in value)
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_text(name, item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(_text(name, item) for item in value)}]"
    raise SettingError(f"{name}: a {type(value).__name__} is no value of a setting; give text, a number or a list")
