"""Prefect's server behind the gate: the process of a run's own server, and what ``stillwalk ui`` runs.

``python -m flows.prefect_server.local_server APP PORT DESCRIPTOR`` serves on the parent's listening socket. The token
comes in the environment, which no other account can read.
"""

import gc
import os
import sys
from importlib import import_module
from typing import Final, cast

from flows.prefect_server.gate import LOOPBACK, App, Gate
from tasks.execution.memory import keep_what_is_loaded

SERVER_TOKEN_VARIABLE: Final = "STILLWALK_SERVER_TOKEN"
SHUTDOWN_GRACE_S: Final = 3  # for open web sockets, when the server is told to end
APP: Final = "prefect.server.api.server:create_app"


def server_environment(port: int, token: str) -> dict[str, str]:
    """The environment of a server at ``port``, to be set before Prefect is imported."""
    address = f"http://{LOOPBACK}:{port}"
    return {
        SERVER_TOKEN_VARIABLE: token,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": address,
        "PREFECT_SERVER_UI_API_URL": f"{address}/api",
        "PREFECT_SERVER_API_HOST": LOOPBACK,
        "PREFECT_SERVER_API_PORT": str(port),
    }


def run_server(app: str, port: int, descriptor: int) -> None:
    """Serve the application that ``app`` names, as ``module:factory``, until a signal ends the process."""
    gc.disable()  # nearly all that is loaded stays: to search it again and again took 0.6 of 3.2 s of CPU time
    import uvicorn  # a run, which only needs the environment, does not load it

    module, _, factory = app.partition(":")
    guarded = Gate(cast(App, getattr(import_module(module), factory)()), port, os.environ[SERVER_TOKEN_VARIABLE])
    keep_what_is_loaded()
    gc.enable()
    # On one machine, compressing what a run sends takes time and saves nothing.
    uvicorn.run(
        guarded,
        fd=descriptor,
        log_level="error",
        timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
        ws_per_message_deflate=False,
    )


if __name__ == "__main__":
    run_server(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
