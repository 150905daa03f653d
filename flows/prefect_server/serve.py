"""``stillwalk serve``: runs on this machine what the form in Prefect's UI asks for, until Ctrl-C."""

import os
import sys
import warnings
from pathlib import Path
from typing import Final

from conf.enums import Server
from flows.config.settings import child_environment
from flows.prefect_server import server_choice
from flows.run import HOME
from tasks.errors import SettingError
from tasks.untrusted.plain_text import one_line

SERVE_USAGE: Final = (
    "stillwalk serve: runs what the form in Prefect's UI (stillwalk ui) asks for, until Ctrl-C; it has no options"
)
FORM_POLL_S: Final = "3"  # seconds between two checks for new runs; the default is 10 s


def serve(arguments: list[str]) -> int:
    """Serve until the user ends it; the exit status."""
    if arguments in (["--help"], ["-h"]):
        print(SERVE_USAGE)
        return 0
    if arguments:
        print(f"stillwalk: serve: it has no option {arguments[0]!r}; give settings in the form", file=sys.stderr)
        return 2
    try:
        api = server_choice.choose_server(Server.auto, HOME)
    except SettingError as error:
        print(f"stillwalk: {one_line(str(error))}", file=sys.stderr)
        return 2
    if not api:
        cure = "start one with stillwalk ui, or set PREFECT_API_URL"
        print(f"stillwalk: serve: no Prefect server answers at {server_choice.LOCAL_API}; {cure}", file=sys.stderr)
        return 2
    os.environ.update(child_environment())
    os.environ.setdefault("PREFECT_RUNNER_POLL_FREQUENCY", FORM_POLL_S)
    # Imported late: Prefect takes seconds to import and reads its settings meanwhile.
    from prefect.types.entrypoint import EntrypointType

    warnings.filterwarnings("ignore", message="coroutine 'Runner.astop' was never awaited")  # after SIGTERM
    from flows.prefect_server.served_flow import DEPLOYMENT_NAME, FORM_FLOW_NAME, form_flow

    page = f"{api.removesuffix('/api')}/deployments"
    print(f"stillwalk: serving {FORM_FLOW_NAME}/{DEPLOYMENT_NAME} at {page}; Ctrl-C ends it", flush=True)
    form_flow.serve(
        name=DEPLOYMENT_NAME,
        tags=["stillwalk"],
        parameters={"overrides": ["video=demo"], "sweep": False},
        description=f"The settings of the command line, one per line; paths are relative to {Path.cwd()}",
        limit=1,
        print_starting_message=False,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return 0
