"""Many settings in one command: where their results go, and which of them become videos."""

from dataclasses import dataclass

from conf.checks import require
from conf.choices import SweepRender


@dataclass
class SweepConf:
    """Of a sweep, ``stillwalk -m``; one video with one setting takes no notice of it."""

    name: str | None = None  # results go to output_dir/sweeps/<name>/, one known already goes on; null: the time
    render: SweepRender = SweepRender.all  # videos of every setting, of each video's best, or metrics only

    def __post_init__(self) -> None:
        name = self.name
        fine = name is None or (0 < len(name.encode()) <= 200 and not name.startswith(".") and "/" not in name)
        require(fine, "sweep.name", f"{name!r} cannot name a folder", "give one such as windows")
