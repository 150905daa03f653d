"""``stillwalk ui``: Prefect's server with its pages, for this user on this machine, until Ctrl-C."""

import os
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from flows.cli.subcommand_parser import SubcommandParser
from flows.prefect_server import api_token, server_choice
from flows.prefect_server.gate import LOOPBACK
from flows.prefect_server.local_server import APP, run_server, server_environment
from flows.prefect_server.own_server import MAX_START_S, turn_to_start
from flows.run import HOME
from tasks.errors import SettingError
from tasks.untrusted.plain_text import one_line

DEFAULT_PORT: Final = 4200
UI_DESCRIPTION: Final = "Runs Prefect's server with its pages until Ctrl-C, for this user's browser and commands only."


def run_ui(arguments: list[str]) -> int:
    """Serve until the user ends it; the exit status."""
    try:
        server_choice.require_home()
        parser = SubcommandParser("ui", UI_DESCRIPTION)
        port_help = f"port on this machine; runs look at {DEFAULT_PORT}"
        parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=port_help)
        _serve(parser.parse_args(arguments).port)
    except SettingError as error:
        print(f"stillwalk: {one_line(str(error))}", file=sys.stderr)
        return 2
    return 0


def _serve(port: int) -> None:
    try:
        listening = socket.create_server((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        fact = f"port {port} cannot be used ({getattr(error, 'strerror', None) or error})"
        raise SettingError(f"ui: {fact}; end the program that listens there, or give another --port") from error
    token = api_token.new_token()
    with listening:
        port = listening.getsockname()[1]  # of --port 0, the system's choice
        api_token.save_token(port, token)
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.default_int_handler)
            _set_environment(port, token)
            turn = turn_to_start(Path(os.environ["PREFECT_HOME"]))
            threading.Thread(target=_end_turn, args=(turn, port), daemon=True).start()
            print(f"stillwalk: Prefect's pages: http://{LOOPBACK}:{port}/?token={token.partition(':')[2]}", flush=True)
            print("stillwalk: open that address once in your browser; Ctrl-C ends the server", flush=True)
            run_server(APP, port, listening.fileno())
        except KeyboardInterrupt:
            pass
        finally:
            api_token.remove_token(port, token)


def _end_turn(turn: ExitStack, port: int) -> None:
    """Let the runs go on that wait until this server has made Prefect's database."""
    with turn:
        server_choice.server_answers(f"http://{LOOPBACK}:{port}/api", MAX_START_S)


def _set_environment(port: int, token: str) -> None:
    """Set Prefect's environment, before Prefect is imported."""
    for name, value in server_choice.PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    server_choice.set_prefect_home(HOME)
    for name in ("PREFECT_API_URL", server_choice.CLIENT_TOKEN_VARIABLE, "PREFECT_SERVER_API_AUTH_STRING"):
        os.environ.pop(name, None)  # they belong to another server
    os.environ.update(server_environment(port, token))
