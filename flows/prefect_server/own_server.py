"""The Prefect server of one run, where no other answers: it survives Ctrl-C for a moment, and ends with the run.

Prefect would start its own in the middle of a run. Ctrl-C in a terminal kills that one before the end of the run is
reported, and nothing ends it when the run is killed. Ours starts while the program is still loading.
"""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Final

from flows import machine
from flows.config.settings import child_environment
from flows.prefect_server.api_token import new_token
from flows.prefect_server.local_server import APP, server_environment
from flows.prefect_server.server_choice import CLIENT_TOKEN_VARIABLE, server_answers
from tasks.cache.locks import LOCKS, lock
from tasks.errors import OutputError, SettingError

MAX_START_S: Final = 120.0  # the first start creates the database; a new machine needed more than 20 s
DATABASE: Final = "prefect.db"  # in PREFECT_HOME
LEAST_FREE_BYTES: Final = 10 << 20  # a new database takes 5 MB
START_POLL_S: Final = 0.05
MAX_END_S: Final = 5.0  # then it is killed
# Prefect's own settings for such a server: no pages, and only the services that a short run needs. The last two would
# keep each event beside the states that come of it, and ask of each whether an automation waits for it.
# A server that Prefect starts itself also has PREFECT__SERVER_FINAL: a last search for garbage, which takes 0.3 s of
# CPU time and finds little with today's FastAPI.
EPHEMERAL_SETTINGS: Final = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}
# Reads process ids until the writing process has ended in any way, then ends those that are still servers.
GUARD_SCRIPT: Final = """
trap '' INT TERM
while read -r id; do ids="$ids $id"; done
for signal in TERM KILL; do
    left=
    for id in $ids; do grep -qs prefect.server "/proc/$id/cmdline" && kill -s $signal "$id" && left=1; done
    [ -z "$left" ] || sleep 0.5
done
"""


class OwnServer:
    """A server that ends with this process; creating the object starts it. ``turn`` is closed when it answers."""

    def __init__(self, turn: ExitStack | None = None) -> None:
        self._turn = turn or ExitStack()
        with socket.create_server(
            ("127.0.0.1", 0)
        ) as listening:  # bound here, so that no other program can take the port
            port = listening.getsockname()[1]
            self.api, self.token = f"http://127.0.0.1:{port}/api", new_token()
            # In their own sessions, which signals of the terminal do not reach.
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD_SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            command = [sys.executable, "-P", "-m", "flows.prefect_server.local_server"]
            self._server = subprocess.Popen(
                [*command, APP, str(port), str(listening.fileno())],
                env={**child_environment(), **EPHEMERAL_SETTINGS, **server_environment(port, self.token)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )
        if self._guard.stdin:
            self._guard.stdin.write(b"%d\n" % self._server.pid)
            self._guard.stdin.flush()
        atexit.register(self.end)

    def wait(self) -> None:
        """Return when the server answers; ``SettingError`` where it ends or does not answer."""
        with self._turn:
            self._wait()

    def _wait(self) -> None:
        until_s = time.monotonic() + MAX_START_S
        while not server_answers(self.api, MAX_START_S):
            status = self._server.poll()
            if status is not None or time.monotonic() > until_s:
                fact = "does not answer" if status is None else f"ended with {status} before it answered"
                cure = "start one with stillwalk ui, which shows its messages"
                home = Path(os.environ["PREFECT_HOME"])
                if shutil.disk_usage(home).free < LEAST_FREE_BYTES:
                    fact += ": the disk of its database is full"
                    cure = f"free some space at {home}, or set PREFECT_HOME to a folder on another disk"
                raise SettingError(f"server: the Prefect server of this run {fact}; {cure}")
            time.sleep(START_POLL_S)

    def end(self) -> None:
        """End the server, if it has not ended."""
        self._server.terminate()
        try:
            self._server.wait(MAX_END_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()


def turn_to_start(home: Path) -> ExitStack:
    """Wait until no other server makes Prefect's database in ``home``. If it is missing, others wait until this closes.

    Of two servers that make it at once, one fails. ``SettingError`` where nothing can be written or locked in ``home``.
    """
    machine.check_folder("PREFECT_HOME", home)
    home.mkdir(parents=True, exist_ok=True)
    machine.check_locks("PREFECT_HOME", home)
    with ExitStack() as turn:
        try:
            turn.enter_context(lock(home / LOCKS / "first-start", lambda: None))
        except OutputError as error:
            cure = "choose another place with PREFECT_HOME="
            raise SettingError(
                f"PREFECT_HOME: {home}: no lock can be made there ({error.__cause__}); {cure}"
            ) from error
        return ExitStack() if (home / DATABASE).exists() else turn.pop_all()


@cache
def start_own_server() -> OwnServer:
    """The one server of this process; Prefect finds its address and token in the environment."""
    server = OwnServer(turn_to_start(Path(os.environ["PREFECT_HOME"])))
    os.environ["PREFECT_API_URL"] = server.api
    os.environ[CLIENT_TOKEN_VARIABLE] = server.token
    return server
