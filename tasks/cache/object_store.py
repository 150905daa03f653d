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
from typing import Any, Final, NamedTuple, Self

from tasks.errors import SettingError

CONNECT_S: Final = 5
REQUEST_S: Final = 20  # for 5 MB, the size of a part: less than 2 Mbit/s counts as no answer
RETRIES: Final = 2
LEAST_BYTES_PER_S: Final = 1_000_000  # of a download, after the time of one request
CHUNK_BYTES: Final = 1 << 20
NO_ANSWER: Final = "it does not answer in time"
NOT_REACHED: Final = "it cannot be reached"
REFUSED: Final = "it refuses the credentials, or there are none"


class StoreError(Exception):
    """A store that does not do what it should, as a clause."""


class WrongContent(Exception):
    """An object that is larger than it may be."""


class Found(NamedTuple):
    """What a store says about an object."""

    name: str
    size: int
    etag: str  # changes with the content, but is no digest of it; empty where the store gives none
    modified: str  # time of the last change


def require_installed(setting: str, otherwise: str) -> None:
    """``SettingError`` where obstore is not installed; ``otherwise``: what can be done without it."""
    if importlib.util.find_spec("obstore") is None:
        cure = f"type `pip install '.[storage]'` in Stillwalk's folder, or {otherwise}"
        raise SettingError(f"{setting}: the package obstore is not installed; {cure}")


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

    @classmethod
    def holding(cls, address: str) -> tuple[Self, str]:
        """The bucket or container of an object's address, and the object's name in it."""
        scheme, _, rest = address.partition("://")
        bucket, _, name = rest.partition("/")
        return cls(f"{scheme}://{bucket}"), name

    def find(self, name: str) -> Found | None:
        """What the store says about an object; None where there is none."""
        import obstore

        with _told():
            try:
                return _found(obstore.head(self._store, name))
            except FileNotFoundError:
                return None

    def found_in(self, folder: str, most: int, *, deep: bool) -> list[Found]:
        """The objects whose names begin with ``folder`` and a slash; all where it is empty.

        Without ``deep`` those without another slash. ``WrongContent`` where there are more than ``most``.
        """
        import obstore

        with _told():
            if not deep:
                found = list(obstore.list_with_delimiter(self._store, folder or None)["objects"])
            else:
                found = []
                for chunk in obstore.list(self._store, folder or None):
                    found += chunk
                    if len(found) > most:
                        break
        if len(found) > most:
            raise WrongContent
        return [_found(one) for one in found]

    def part(self, found: Found, begin: int, end: int) -> bytes:
        """The bytes from ``begin`` to before ``end`` of an object that is still as it was found."""
        import obstore
        from obstore.exceptions import BaseError, PreconditionError

        strong = bool(found.etag) and not found.etag.startswith("W/")
        options: Any = {"range": (begin, end), **({"if_match": found.etag} if strong else {})}
        for attempt in range(RETRIES + 1):
            with _told():
                try:
                    answer = obstore.get(self._store, found.name, options=options)
                except (FileNotFoundError, PreconditionError) as error:
                    raise StoreError("it was changed meanwhile") from error
                if answer.meta["size"] != found.size:
                    raise StoreError("it was changed meanwhile")
                try:
                    content = bytes(answer.bytes())
                except BaseError:  # cut off
                    if attempt == RETRIES:
                        raise
                    continue
            if len(content) == end - begin:
                return content
        raise StoreError("its answer is cut off")

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
        """Write an object of ``size`` bytes into a new file; False if there is none. ``WrongContent``: another size."""
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


def _found(meta: Any) -> Found:
    return Found(meta["path"], meta["size"], meta["e_tag"] or "", meta["last_modified"].isoformat())


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
        raise StoreError(REFUSED) from error
    except (BaseError, OSError, ValueError) as error:
        raise StoreError(_clause(str(error))) from error


def _clause(message: str) -> str:
    """Why a request failed, from the message of the library, which may hold addresses and whole answers."""
    text = re.sub(r"\S*/\S*", "", message.partition("\n\nDebug source")[0]).lower()
    for sign, clause in (
        ("parse path", "its name holds an empty part, or . or .."),
        ("timed out", NO_ANSWER),
        ("timeout", NO_ANSWER),
        ("no space", "it is full"),
        ("status code: 507", "it is full"),
        ("status code: 401", REFUSED),
        ("status code: 403", REFUSED),
        ("quota", "it is full"),
        ("connect", NOT_REACHED),
        ("error sending request", NOT_REACHED),
        ("not found", "there is no such bucket or folder"),
        ("canonicalize", "there is no such bucket or folder"),
        ("no such file", "there is no such bucket or folder"),
    ):
        if sign in text:
            return clause
    status = re.search(r"\bstatus(?: code)?: ([45]\d\d)\b", text)
    return f"it answers with status {status[1]}" if status else "a request to it failed"
