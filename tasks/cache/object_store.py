"""Objects behind an address such as ``s3://bucket/prefix``: the only module that imports obstore, which is optional.

Credentials come from the environment as the libraries of the stores read it; none is in an address, a message or a log.
Every request is bounded in time. What goes wrong is a ``StoreError`` of one clause without the address of a request,
which may be signed.
"""

import importlib.util
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from tasks.errors import SettingError

CONNECT_S: Final = 5
REQUEST_S: Final = 20  # for 5 MB, the size of a part: less than 2 Mbit/s counts as no answer
RETRIES: Final = 2
LEAST_BYTES_PER_S: Final = 1_000_000  # of a download, after the time of one request
CHUNK_BYTES: Final = 1 << 20


class StoreError(Exception):
    """A store that does not do what it should, as a clause."""


class WrongContent(Exception):
    """An object that is larger than it may be."""


def require_installed() -> None:
    """``SettingError`` where obstore is not installed."""
    if importlib.util.find_spec("obstore") is None:
        cure = "type `pip install '.[storage]'` in Stillwalk's folder, or leave out storage="
        raise SettingError(f"storage: the package obstore is not installed; {cure}")


class Objects:
    """Objects by name below an address."""

    def __init__(self, address: str) -> None:
        from obstore.store import from_url

        with _told():
            self._store = from_url(
                address,
                client_options={
                    "allow_http": _allows_http(),
                    "connect_timeout": f"{CONNECT_S}s",
                    "timeout": f"{REQUEST_S}s",
                },
                retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=REQUEST_S)},
            )

    def read(self, name: str, most_bytes: int) -> bytes | None:
        """The bytes of an object, None where there is none; ``WrongContent`` where it has more than ``most_bytes``."""
        import obstore

        with _told():
            try:
                found = obstore.get(self._store, name)
            except FileNotFoundError:
                return None
            if found.meta["size"] > most_bytes:
                raise WrongContent
            return bytes(found.bytes())

    def fetch(self, name: str, path: Path, size: int) -> bool:
        """Write an object of ``size`` bytes into a new file; whether it is there. ``WrongContent`` for another size."""
        import obstore

        with _told():
            try:
                found = obstore.get(self._store, name)
            except FileNotFoundError:
                return False
            if found.meta["size"] != size:
                raise WrongContent
            until_s = time.monotonic() + REQUEST_S + size / LEAST_BYTES_PER_S
            chunks = found.stream(min_chunk_size=CHUNK_BYTES)
        with path.open("xb") as file:
            while True:
                with _told():
                    chunk = next(chunks, None)
                if chunk is None:
                    return True
                if time.monotonic() > until_s:
                    raise StoreError("it is too slow")
                file.write(bytes(chunk))

    def put(self, name: str, content: Path | bytes) -> None:
        """Write an object, in the place of one of this name."""
        import obstore

        with _told():
            obstore.put(self._store, name, content)

    def put_first(self, name: str, content: bytes) -> None:
        """Write an object unless there is one of this name."""
        import obstore

        with _told():
            try:
                obstore.put(self._store, name, content, mode="create", use_multipart=False)
            except obstore.exceptions.AlreadyExistsError:
                return


def _allows_http() -> bool:
    """Whether a store without encryption may be used: one that the environment names, or says that it may."""
    named = [os.environ.get(name, "") for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3")]
    said = [os.environ.get(name, "").lower() for name in ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP")]
    return "true" in said or any(address.startswith("http://") for address in named)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what obstore raises into a ``StoreError``."""
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StoreError("it refuses the credentials, or there are none") from error
    except (BaseError, OSError, ValueError) as error:
        raise StoreError(_clause(str(error))) from error


def _clause(message: str) -> str:
    """Why a request failed, from the message of the library, which may hold addresses and whole answers."""
    text = re.sub(r"\S*/\S*", "", message.partition("\n\nDebug source")[0]).lower()
    for sign, clause in (
        ("timed out", "it does not answer in time"),
        ("timeout", "it does not answer in time"),
        ("no space", "it is full"),
        ("status code: 507", "it is full"),
        ("quota", "it is full"),
        ("connect", "it cannot be reached"),
        ("error sending request", "it cannot be reached"),
        ("not found", "there is no such bucket or folder"),
        ("canonicalize", "there is no such bucket or folder"),
        ("no such file", "there is no such bucket or folder"),
    ):
        if sign in text:
            return clause
    status = re.search(r"\bstatus(?: code)?: ([45]\d\d)\b", text)
    return f"it answers with status {status[1]}" if status else "a request to it failed"
