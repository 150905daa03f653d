"""Where stages run, and how a run shares its work with runs on other machines."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conf.enums import Runner
from conf.validation import require
from tasks.errors import SettingError

MOST_SHARES: Final = 100_000  # more than any scheduler starts for one array job
_STORE: Final = re.compile(r"(?:(?:s3|gs|az)://[^/\s]+|file://(?=/))[!-~]*")
_ADDRESS: Final = re.compile(r"[a-z]+://[^\s/]+:\d+/?")
_SHARE: Final = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass
class RunnerConf:
    kind: Runner = Runner.threads
    """How stages run; processes: a stage that is killed does not stop the others and is tried once more;
    dask: on the workers of a Dask cluster."""
    address: str | None = None
    """Address of a Dask scheduler, such as tcp://scheduler:8786; null: a cluster of processes on this machine."""
    paths: Any = None  # a mapping; Hydra would let nobody add to a typed one
    """Folders that have another name on the workers: runner.paths='{/data: /mnt/data}', the name here and there."""

    def __post_init__(self) -> None:
        valid = self.address is None or _ADDRESS.fullmatch(self.address) is not None
        cure = "give one such as tcp://scheduler:8786"
        require(valid, "runner.address", f"{self.address!r} is no address of a Dask scheduler", cure)
        cure = "give absolute ones, as in runner.paths='{/data: /mnt/data}'"
        valid = self.paths is None or isinstance(self.paths, dict)
        require(valid, "runner.paths", f"{self.paths!r} does not name folders here and there", cure)
        for name in (name for pair in self.there.items() for name in pair):
            valid = isinstance(name, str) and Path(name).is_absolute() and ".." not in Path(name).parts
            require(valid, "runner.paths", f"{name!r} is no absolute path", cure)

    @property
    def there(self) -> dict[str, str]:
        """Folders on the workers, by their names here."""
        return dict(self.paths or {})


@dataclass(frozen=True)
class Share:
    """Which part of the videos a run takes: part ``number``, from 1, of ``count``."""

    number: int
    count: int


def share_of(shard: str | None) -> Share | None:
    """The share that a text such as ``3/16`` means, None for none; ``SettingError`` for any other text."""
    if shard is None:
        return None
    found = _SHARE.fullmatch(shard)
    if found is None:
        raise SettingError(f"shard: {shard!r} is no share; give one such as 3/16, the third of sixteen")
    share = Share(int(found[1]), int(found[2]))
    fact = f"there are at most {MOST_SHARES} shares"
    require(1 <= share.count <= MOST_SHARES, "shard", fact, "give fewer, such as 3/16")
    fact = f"there is no share {share.number} of {share.count}"
    require(1 <= share.number <= share.count, "shard", fact, f"give 1/{share.count} to {share.count}/{share.count}")
    return share


def check_storage(address: str | None) -> None:
    """``SettingError`` unless the text is the address of a store, without a name, a password or a signature."""
    if address is None:
        return
    cure = "give one such as s3://bucket/prefix or file:///folder"
    require(_STORE.fullmatch(address) is not None, "storage", f"{address.partition('?')[0]!r} is no address", cure)
    secret = "?" in address or "#" in address or "@" in address
    cure = "leave out what follows ? and what comes before @; credentials come from the environment"
    require(not secret, "storage", "an address must hold no credentials", cure)
