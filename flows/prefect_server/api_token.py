"""The token of a Prefect server on this machine: each server makes a new one, and the user's commands read it.

It lies in a folder that only the user can open, outside every folder that could come from somebody else.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tasks.errors import SettingError
from tasks.untrusted.paths import absolute_path

LOCAL_HOSTS: Final = {"127.0.0.1", "localhost"}
MAX_TOKEN_BYTES: Final = 1000
TCP_TABLE: Final = Path("/proc/net/tcp")  # the kernel's list of IPv4 sockets
LISTENING_STATE: Final = "0A"  # in that list


def new_token() -> str:
    """A random token in the form that Prefect's clients send: name and secret."""
    return f"stillwalk:{secrets.token_urlsafe(32)}"


def save_token(port: int, token: str) -> None:
    """Save the token of the server at ``port`` for the user's commands; ``SettingError`` where that fails."""
    path = _token_file(port)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # an old file may be readable for others, or be a link
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token)
    except OSError as error:
        cure = "make it writable, or set XDG_STATE_HOME to a folder of your own"
        raise SettingError(f"{path}: the server's token cannot be saved there ({error.strerror}); {cure}") from error


def remove_token(port: int, token: str) -> None:
    """Remove the token of a server that has ended, unless another server has replaced it."""
    if _read_token(port) == token:
        with suppress(OSError):
            _token_file(port).unlink()


def find_token(api: str) -> str:
    """The token of the server at an address of this machine; empty where there is none."""
    port = _local_port(api)
    return _read_token(port) if port else ""


def is_foreign_server(api: str) -> bool:
    """Whether another account of this machine listens at an address. False where that is not known."""
    port = _local_port(api)
    try:
        rows = [line.split() for line in TCP_TABLE.read_text().splitlines()[1:]]
    except OSError:
        return False
    addresses = {f"0100007F:{port:04X}", f"00000000:{port:04X}"}  # 127.0.0.1 and 0.0.0.0
    owners = {int(row[7]) for row in rows if row[1] in addresses and row[3] == LISTENING_STATE}
    return bool(owners - {os.getuid(), 0})


def _read_token(port: int) -> str:
    """The saved token; empty unless the file is a regular one that only the user can read."""
    with suppress(OSError, ValueError):
        descriptor = os.open(_token_file(port), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077:
                return file.read(MAX_TOKEN_BYTES).decode("ascii")
    return ""


def _token_file(port: int) -> Path:
    folder = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return absolute_path(folder) / "stillwalk" / f"server-{port}.token"


def _local_port(api: str) -> int:
    """The port of an address on this machine; 0 for any other."""
    try:
        parts = urlsplit(api)
        port = parts.port or 80
    except ValueError:
        return 0
    return port if parts.hostname in LOCAL_HOSTS else 0
