"""Where stages run."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conf.enums import Runner
from conf.validation import require

_ADDRESS = re.compile(r"[a-z]+://[^\s/]+:\d+/?")


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
