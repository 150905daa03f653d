"""The Prefect server of one run, where no other answers: it outlives Ctrl-C by a moment, and the run by none.

Prefect would start one itself when it is first needed, in the midst of a run: there, Ctrl-C in a terminal kills it
before it has been told how the run ended, with lines of its own, and nothing ends it when the run is killed. This one
starts while the program is still loading, which then need not load the server's half of Prefect.
"""

import atexit
import os
import socket
import subprocess
import sys
import time
from functools import cache
from typing import Final

from flows.config.settings import PROJECT_FOLDER
from flows.prefect_server.api_token import new_token
from flows.prefect_server.local_server import APP, server_environment
from flows.prefect_server.server_choice import CLIENT_TOKEN_VARIABLE, answers
from tasks.errors import SettingError

LONGEST_S: Final = 120.0  # a first start makes the database; a fresh machine was seen to need more than 20 s
POLL_S: Final = 0.05
END_S: Final = 5.0  # that it has to end when it is asked to
# What Prefect gives a server of this kind itself: no pages, and only the services that a short run needs.
KIND: Final = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
# Reads process ids until whoever writes them is gone, by whatever death, and ends those that are still servers.
GUARD: Final = """
trap '' INT TERM
while read -r id; do ids="$ids $id"; done
for signal in TERM KILL; do
    left=
    for id in $ids; do grep -qs prefect.server "/proc/$id/cmdline" && kill -s $signal "$id" && left=1; done
    [ -z "$left" ] || sleep 0.5
done
"""


class OwnServer:
    """A server that ends with this process; it is starting when this object is made."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:  # made here: nobody else can take the port
            port = listening.getsockname()[1]
            self.api, self.token = f"http://127.0.0.1:{port}/api", new_token()
            # In sessions of their own: what a terminal sends to the program does not reach them.
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            path = os.pathsep.join(filter(None, [str(PROJECT_FOLDER), os.environ.get("PYTHONPATH")]))
            command = [sys.executable, "-P", "-m", "flows.prefect_server.local_server"]
            self._server = subprocess.Popen(
                [*command, APP, str(port), str(listening.fileno())],
                env={**os.environ, **KIND, **server_environment(port, self.token), "PYTHONPATH": path},
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
        """Return when it answers; ``SettingError`` when it ends or does not."""
        until_s = time.monotonic() + LONGEST_S
        while not answers(self.api, LONGEST_S):
            status = self._server.poll()
            if status is not None or time.monotonic() > until_s:
                fact = "does not answer" if status is None else f"ended with {status} before it answered"
                cure = "start one with make ui, which shows what it says"
                raise SettingError(f"server: Prefect's own for this run {fact}; {cure}")
            time.sleep(POLL_S)

    def end(self) -> None:
        """End it, if it has not ended."""
        self._server.terminate()
        try:
            self._server.wait(END_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()


@cache
def start() -> OwnServer:
    """The one server of this process; Prefect finds its address and its token in the environment."""
    server = OwnServer()
    os.environ["PREFECT_API_URL"] = server.api
    os.environ[CLIENT_TOKEN_VARIABLE] = server.token
    return server
