"""``stillwalk serve``: takes runs from the form in Prefect's UI, until Ctrl-C, and computes them on this machine."""

import os
import sys
import warnings
from pathlib import Path
from typing import Final

from conf.enums import Server
from flows.prefect_server import server_choice
from flows.run import HOME
from tasks.errors import SettingError
from tasks.untrusted.plain_text import one_line

USAGE: Final = "stillwalk serve: takes runs from the form in Prefect's UI (make ui) until Ctrl-C; it has no options"
POLL_S: Final = "3"  # between two looks for new runs; the default lets them wait 10 s


def serve(arguments: list[str]) -> int:
    """Serve until the user ends it; the exit status."""
    if arguments in (["--help"], ["-h"]):
        print(USAGE)
        return 0
    if arguments:
        print(f"stillwalk: serve: it takes no {arguments[0]!r}; settings belong into the form", file=sys.stderr)
        return 2
    try:
        api = server_choice.choose(Server.auto, HOME)
    except SettingError as error:
        print(f"stillwalk: {one_line(str(error))}", file=sys.stderr)
        return 2
    if not api:
        cure = "start one with `make ui`, or set PREFECT_API_URL"
        print(f"stillwalk: serve: no Prefect server answers at {server_choice.LOCAL_API}; {cure}", file=sys.stderr)
        return 2
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HOME.parents[1]), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("PREFECT_RUNNER_POLL_FREQUENCY", POLL_S)
    # Prefect takes seconds to import and reads its settings while it does: only now.
    from prefect.types.entrypoint import EntrypointType

    warnings.filterwarnings("ignore", message="coroutine 'Runner.astop' was never awaited")  # by SIGTERM
    from flows.prefect_server.served_flow import DEPLOYMENT, FLOW, entry

    print(
        f"stillwalk: serving {FLOW}/{DEPLOYMENT} at {api.removesuffix('/api')}/deployments; Ctrl-C ends it", flush=True
    )
    entry.serve(
        name=DEPLOYMENT,
        tags=["stillwalk"],
        parameters={"overrides": ["video=demo"], "sweep": False},
        description=f"The settings of the command line, one a line; paths count from {Path.cwd()}",
        limit=1,
        print_starting_message=False,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return 0
