"""The download stage: an object of a store, such as ``s3://bucket/walk.mp4``, becomes a file of the cache.

Its key covers what the store says about the object: address, size, ETag and time of change. So it is downloaded again
only if one of these has changed. An ETag is no digest of the bytes: what follows is keyed by our own digest of the
file, as with any other video.
"""

from pathlib import Path
from typing import Any, Final

from tasks.cache.object_store import Found, Objects, StoreError
from tasks.errors import VideoError
from tasks.records import Tick
from tasks.requests import DownloadRequest

PART_BYTES: Final = 5_000_000  # of one request, whose time is bounded for this size


def download_video(request: DownloadRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write the object's bytes into ``folder``; the facts say how many. ``VideoError`` where the store refuses."""
    try:
        objects, name = Objects.holding(request.address)
        found = Found(name, request.size, request.etag, request.modified)
        with (folder / request.file).open("xb") as file:
            for begin in range(0, request.size, PART_BYTES):
                tick(0)
                file.write(objects.part(found, begin, min(begin + PART_BYTES, request.size)))
    except StoreError as error:
        raise VideoError(f"{request.address}: cannot be downloaded ({error}); run the same command again") from error
    return {"bytes": request.size}
