"""The Prefect server of one run, where no other answers: it outlives Ctrl-C by a moment, and the run by none.

Prefect starts it when it is first needed, in the midst of a run: there, Ctrl-C in a terminal kills it before it has
been told how the run ended, with lines of its own, and nothing ends it when the run is killed.
"""

import signal
import subprocess
import threading
from typing import Final

from prefect.server.api.server import SubprocessASGIServer

POLL_S: Final = 0.1
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


def start() -> None:
    """Start the server and wait until it answers; ``RuntimeError`` where it does not."""
    pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
    guard = subprocess.Popen(["/bin/sh", "-c", GUARD], stdin=pipe, stdout=quiet, stderr=quiet, start_new_session=True)
    server = SubprocessASGIServer()  # there is one for the process: Prefect finds it started
    failures: list[Exception] = []
    starting = threading.Thread(target=_start, args=(server, failures), daemon=True)
    starting.start()
    told = 0
    while starting.is_alive():  # the main thread stays free for signals
        starting.join(POLL_S)
        if guard.stdin and server.server_process and server.server_process.pid != told:
            told = server.server_process.pid
            guard.stdin.write(b"%d\n" % told)
            guard.stdin.flush()
    if failures:
        raise failures[0]


def _start(server: SubprocessASGIServer, failures: list[Exception]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # of this thread, and of the processes it starts
    try:
        server.start()
    except (OSError, RuntimeError) as error:
        failures.append(error)
