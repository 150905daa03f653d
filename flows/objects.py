"""Videos that are objects of a store: ``video=s3://bucket/walk.mp4``. What is asked of the store before any work.

A store is asked once about each address. It is not asked for a video's bytes: see ``tasks.cache.download``.
"""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePosixPath
from typing import Final

from tasks.cache.object_store import (
    NO_ANSWER,
    NOT_REACHED,
    Found,
    Objects,
    StoreError,
    WrongContent,
    require_installed,
)
from tasks.errors import SettingError
from tasks.requests import DownloadRequest

ASKED_AT_ONCE: Final = 16
MOST_LISTED: Final = 100_000  # objects behind one pattern
_away: dict[str, str] = {}  # buckets that do not answer, and how
_BEGINNING: Final = re.compile(r"(s3|gs|az)://", re.IGNORECASE)
_OBJECT: Final = re.compile(r"(s3|gs|az)://([^/@?#\s]+)/(.*)", re.DOTALL)


def is_object(text: str) -> bool:
    """Whether the text begins like the address of an object or a folder of a store."""
    return _BEGINNING.match(text) is not None


def expand_object(address: str, suffixes: Iterable[str]) -> list[str]:
    """The addresses that one names: itself, or what matches a pattern, or, where it ends in /, a folder's videos.

    ``SettingError`` for what is no address, and where a folder or a pattern yields nothing.
    """
    shown = address.partition("?")[0]
    if "?" in address:
        cure = "leave out what follows it; credentials come from the environment"
        raise SettingError(f"video: {shown}: an address with ? may hold a signature; {cure}")
    if "@" in address.split("/")[2]:
        raise SettingError("video: an address must hold no name and no password; leave out what comes before @")
    parts = _OBJECT.fullmatch(address)
    if parts is None:
        raise SettingError(f"video: {shown} is no address of an object; give one such as s3://bucket/clips/walk.mp4")
    require_installed("video", "download the file first, and give its path")
    bucket, name = f"{parts[1]}://{parts[2]}", parts[3]
    if name == "" or name.endswith("/"):
        found = _listed(bucket, name.rstrip("/"), deep=False)
        videos = [one for one in found if _suffix(one.name) in suffixes and not _is_hidden(one.name)]
        if not videos:
            raise SettingError(f"video: {address} holds no video; name an object, or a folder that holds some")
    elif set("*[") & set(name) and not isinstance(seen(address), Found):
        videos = _matching(bucket, name)
        if not videos:
            raise SettingError(f"video: no object matches {address}; check the folder and the pattern")
    else:
        return [address]
    return sorted(f"{bucket}/{one.name}" for one in videos)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is_hidden(name: str) -> bool:
    return PurePosixPath(name).name.startswith(".")


def _matching(bucket: str, pattern: str) -> list[Found]:
    wanted = pattern.split("/")
    plain = next(number for number, part in enumerate(wanted) if set("*[") & set(part))  # parts before the first *
    deep = plain < len(wanted) - 1 or wanted[-1] == "**"
    found = _listed(bucket, "/".join(wanted[:plain]), deep=deep)
    return [one for one in found if _matches(one.name.split("/"), wanted)]


def _matches(parts: list[str], pattern: list[str]) -> bool:
    """Whether a name matches a pattern, part by part; ``**`` stands for any number of parts.

    As with files, a pattern matches a part that begins with a dot only if it begins with one too.
    """
    if not pattern:
        return not parts
    if pattern[0] == "**" and _matches(parts, pattern[1:]):
        return True
    if not parts or (_is_hidden(parts[0]) and not pattern[0].startswith(".")):
        return False
    rest = pattern if pattern[0] == "**" else pattern[1:]
    return fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], rest)


@cache
def _listed(bucket: str, folder: str, *, deep: bool) -> list[Found]:
    place = f"{bucket}/{folder}"
    try:
        return Objects(bucket).found_in(folder, MOST_LISTED, deep=deep)
    except StoreError as error:
        cure = "check the address and the credentials in the environment"
        raise SettingError(f"video: {place}: its objects cannot be listed ({error}); {cure}") from error
    except WrongContent as error:
        cure = "name a folder with fewer, or give @list.txt with one address per line"
        raise SettingError(f"video: {place}: it holds more than {MOST_LISTED} objects; {cure}") from error


@cache
def seen(address: str) -> Found | str:
    """What the store says about an object, or a clause that says why it cannot be used."""
    bucket = address.split("/")[2]
    if bucket in _away:  # another object has waited for it
        return _refusal(_away[bucket])
    try:
        objects, name = Objects.holding(address)
        found = objects.find(name)
    except StoreError as error:
        if str(error) in (NO_ANSWER, NOT_REACHED):
            _away[bucket] = str(error)
        return _refusal(str(error))
    if found is None:
        return "there is no such object; check the address, which ends in / where it is a folder"
    return found if found.size else "is empty (0 bytes); upload it again"


def _refusal(clause: str) -> str:
    return f"cannot be read ({clause}); check the address and the credentials in the environment"


def forget() -> None:
    """Ask the stores again: for another run in this process."""
    _away.clear()
    _listed.cache_clear()
    seen.cache_clear()


def look_up(addresses: Iterable[str]) -> None:
    """Ask about several objects at once: ``seen`` then knows them."""
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        list(pool.map(seen, addresses))


def download_request(address: str) -> DownloadRequest:
    """The request of an object that was ``seen`` and can be used."""
    found = seen(address)
    if isinstance(found, str):
        raise TypeError(f"{address}: {found}")
    return DownloadRequest(address, found.size, found.etag, found.modified)
