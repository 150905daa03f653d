"""What all tests share: the real clips, and one Prefect server for those that run the program.

The server and the finished demo are one for all processes of pytest-xdist: each costs seconds of CPU.
"""

import fcntl
import gc
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.support import program

# As the program has it: see ``flows.cli.command``. Two processes of tests with two threads each wait for one another.
gc.set_threshold(50_000, 20, 20)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process that tests start compiles the program anew

VIDEOS = Path(__file__).parents[2] / "shared" / "videos"
SERVER_START_S = 180
UNUSED_SERVICES = ("EVENT_PERSISTER", "TRIGGERS", "SCHEDULER", "LATE_RUNS", "FOREMAN")  # each asks the database
FEW = 8  # tests of a file: a test in it may take ten seconds
MEANWHILE = 3  # files: alone they take 9 to 11 s each


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First the files that run the program, last those with many quick tests: both processes then end together.

    While one process starts the server, which takes 13 s, the other has the longest files that need none.
    """
    running = {item.path for item in items if "api" in getattr(item, "fixturenames", ())}
    tests = Counter(item.path for item in items)
    ordered = sorted(tests, key=lambda path: (path not in running, tests[path] > FEW, -tests[path], path))
    meanwhile = sorted(tests.keys() - running, key=lambda path: (-tests[path], path))[:MEANWHILE]
    places = {path: place for place, path in enumerate(dict.fromkeys([*ordered[:1], *meanwhile, *ordered]))}
    items.sort(key=lambda item: places[item.path])


@pytest.fixture(scope="session", autouse=True)
def _starters() -> Iterator[None]:
    yield
    program.end_starters()


@pytest.fixture(scope="session")
def videos() -> Path:
    if not VIDEOS.is_dir():
        pytest.skip(f"the real clips are not here: {VIDEOS}")
    return VIDEOS


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def api(shared: Path) -> Iterator[str]:
    """Address of a server on loopback that lives as long as the tests.

    The first process that needs it starts it, and at its end waits for the others, who hold a lock meanwhile.
    """
    noted = shared / "prefect-address"
    with (shared / "prefect-users.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with ExitStack() as owned:
            with locked(shared / "prefect-start.lock"):
                if not noted.exists():
                    address, _ = owned.enter_context(served(shared / "prefect"))
                    _copy_database(shared / "prefect" / "prefect.db", shared / "new.db")
                    noted.write_text(address)
                    owned.callback(noted.unlink)
                    owned.callback(fcntl.flock, users, fcntl.LOCK_EX)
            yield noted.read_text()


@pytest.fixture(scope="session")
def database(shared: Path, api: str) -> Path:
    """A database of Prefect in which nothing happened yet; a server takes 10 s of CPU time to make one."""
    return shared / "new.db"


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that no other process holds; the kernel drops it when this one ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def served(home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server on loopback, its address and its process, while the block runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    address = f"http://127.0.0.1:{port}/api"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in UNUSED_SERVICES},
        "PREFECT_SERVER_UI_API_URL": address,  # else its page asks at port 4200
    }
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as server:
        try:
            _wait_until_healthy(address, server)
            yield address, server
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="session")
def finished(shared: Path, api: str) -> Path:
    """A home in which the small demo was done once; to be copied, not to be worked in."""
    home, mark = shared / "finished", shared / "demo-is-finished"
    home.mkdir(exist_ok=True)
    with locked(shared / "finished.lock"):
        if not mark.exists():
            done = program.run(*program.DEMO, cwd=home, api=api)
            assert (done.status, done.err) == (0, "")
            mark.touch()
    return home


@pytest.fixture(scope="session")
def drawn(finished: Path) -> Path:
    """The video of the small demo; with the cache of ``finished`` all is done that its default settings ask for."""
    (video,) = (finished / "outputs" / ".cache" / "demo").glob("*/demo.mp4")
    return video


def _wait_until_healthy(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SERVER_START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail("the Prefect server for the tests did not start")
