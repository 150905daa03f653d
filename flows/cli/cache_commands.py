"""``stillwalk cache`` shows the size of the cache; ``stillwalk cache prune`` removes entries."""

import argparse
import re
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from flows.cli.subcommand_parser import SubcommandParser
from flows.config import settings
from flows.config.overrides import quote_argument
from tasks.cache import prune
from tasks.cache.entries import Entry, entries, registered_output_folders, stages
from tasks.cache.locks import LOCKS
from tasks.errors import BYTES_PER_UNIT, SettingError, StillwalkError, counted, size_text
from tasks.untrusted.json_file import read_object
from tasks.untrusted.paths import absolute_path, is_folder, resolved
from tasks.untrusted.plain_text import one_line

CACHE_DESCRIPTION: Final = """Without options: the size of the cache by stage and by video.

prune removes the entries that --older-than, --larger-than or --unused selects, and remains of killed runs and older
versions. Entries that a running command uses are never removed."""
SECONDS_PER_UNIT: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
UNKNOWN_VIDEO: Final = "an unknown video"
MAX_LISTED: Final = 20  # entries that are named one by one
LISTED_OF_MANY: Final = 10  # of more than these


def run_cache_command(arguments: list[str]) -> int:
    """Run ``stillwalk cache ...`` and return the exit status: 2, and one line, where nothing could be done."""
    try:
        options = _parser().parse_intermixed_args(arguments)
        pruning, overrides = _split(options.words)
        output_dir, cache = _folders(overrides)
        if not is_folder(cache / LOCKS):  # the first run makes it
            raise SettingError(f"cache_dir: there is no cache at {cache}; name one with output_dir= or cache_dir=")
        if pruning:
            _prune(cache, _selector(options, cache, output_dir), options)
        elif options.dry_run or _selects(options):
            raise SettingError(f"cache: these options need prune; type `stillwalk cache prune {shlex.join(arguments)}`")
        else:
            _print_sizes(cache)
    except StillwalkError as error:
        print(f"stillwalk: {one_line(str(error))}", file=sys.stderr)
        return 2
    return 0


def refuse_prune(arguments: list[str]) -> int:
    """Say how ``stillwalk prune`` is typed, and return the exit status 2."""
    meant = shlex.join(["stillwalk", "cache", "prune", *(arguments or ["--help"])])
    print(f"stillwalk: prune: it is a part of cache; type `{one_line(meant)}`", file=sys.stderr)
    return 2


def _parser() -> SubcommandParser:
    which_entries = "(--older-than AGE | --larger-than SIZE | --unused)"
    usage = f"stillwalk cache [prune {which_entries} [--dry-run] [--idle]] [output_dir=...]"
    parser = SubcommandParser("cache", CACHE_DESCRIPTION, usage)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("words", nargs="*", metavar="prune, output_dir=..., cache_dir=...", help="as in a run")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--older-than", metavar="AGE", type=_age_s, help="entries not used for this time: 90m, 12h, 30d, 8w"
    )
    which.add_argument(
        "--larger-than", metavar="SIZE", type=_size, help="the least recently used entries, until 5GB are left"
    )
    which.add_argument(
        "--unused",
        action="store_true",
        help="entries that no run.json refers to, in any output_dir that used the cache",
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what would be removed")
    parser.add_argument(
        "--idle", action="store_true", help="no command uses the cache: for disks whose file locks do not hold"
    )
    return parser


def _age_s(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is not an age; give one such as 90m, 12h, 30d or 8w")
    return float(match[1]) * SECONDS_PER_UNIT[match[2]]


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d{1,12}(?:\.\d+)?)([KMGT]B)", text, re.IGNORECASE)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is not a size; give one such as 500MB or 5GB")
    return int(float(match[1]) * BYTES_PER_UNIT[match[2].upper()])


def _split(words: list[str]) -> tuple[bool, list[str]]:
    """Whether ``prune`` is the first word, and the overrides."""
    pruning = words[:1] == ["prune"]
    overrides = words[1:] if pruning else words
    for word in overrides:
        if not word.startswith(("output_dir=", "cache_dir=")):
            raise SettingError(f"cache: {word} is not known here; give prune, output_dir=... or cache_dir=...")
    return pruning, [quote_argument(word, sweep=False) for word in overrides]


def _folders(overrides: list[str]) -> tuple[Path, Path]:
    """The output and cache folders of a run with these overrides."""
    settings.register_schema()
    config = settings.load(["video=demo", *overrides])
    output_dir = absolute_path(config.output_dir)
    return output_dir, absolute_path(config.cache_dir) if config.cache_dir else output_dir / ".cache"


def _selects(options: argparse.Namespace) -> bool:
    return options.older_than is not None or options.larger_than is not None or bool(options.unused)


def _selector(options: argparse.Namespace, cache: Path, output_dir: Path) -> Callable[[list[Entry]], list[Entry]]:
    """A function that selects the entries to remove."""
    if options.older_than is not None:
        before_s = time.time() - options.older_than
        return lambda kept: prune.older(kept, before_s)
    if options.larger_than is not None:
        return lambda kept: prune.excess(kept, options.larger_than)
    if options.unused:
        return lambda kept: prune.unreferred(kept, _referred(_users(cache, output_dir)))
    raise SettingError("cache prune: nothing selects entries; give --older-than 30d, --larger-than 5GB or --unused")


def _users(cache: Path, output_dir: Path) -> list[Path]:
    """The output folders that used the cache; prints those that no longer exist."""
    users = list(dict.fromkeys([resolved(output_dir), *registered_output_folders(cache)]))
    for gone in [user for user in users[1:] if not user.is_dir()]:
        fact = "it used this cache and no longer exists"
        print(one_line(f"{gone}: {fact}; entries that only it refers to count as unused"))
    return users


def _referred(users: Sequence[Path]) -> set[str]:
    """Keys in every ``run.json`` below the folders; ``SettingError`` without any: everything would be removed."""
    keys: set[str] = set()
    records = [path for user in users for path in user.rglob("run.json") if path.is_file()]
    for path in records:
        try:
            record: dict[str, Any] = read_object(path)
            keys |= {stage["key"] for stage in record["stages"]} | set(record.get("findings", ()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            cure = "run its video again, or remove it"
            raise SettingError(
                f"{path}: it cannot be read, so the entries that it refers to are not known; {cure}"
            ) from error
    if not records:
        raise SettingError(f"output_dir: {users[0]} holds no run.json; to remove everything, type --larger-than 0MB")
    return keys


def _all_entries(cache: Path) -> list[Entry]:
    return [entry for stage in stages(cache) for entry in entries(cache, stage)]


def _prune(cache: Path, select: Callable[[list[Entry]], list[Entry]], options: argparse.Namespace) -> None:
    with prune.alone(cache, is_idle=options.idle):
        selected = select(_all_entries(cache))
        if not options.dry_run:
            prune.remove(cache, selected)
        rest = prune.litter(cache)
        size = sum(map(prune.size_of, rest))
        if not options.dry_run:
            prune.remove_litter(rest)
    _print_removed(cache, selected, rest, size, "would be removed" if options.dry_run else "removed")


def _print_removed(cache: Path, removed: list[Entry], rest: list[Path], size: int, verb: str) -> None:
    listed = removed if len(removed) <= MAX_LISTED else sorted(removed, key=lambda entry: -entry.size)[:LISTED_OF_MANY]
    for entry in listed:
        made = f"{entry.artifact.stage} of {entry.video or UNKNOWN_VIDEO}"
        print(one_line(f"{entry.artifact.key}  {size_text(entry.size):>9}  {made}, used {_ago(entry.used_s)}"))
    if rest_of := removed[len(listed) :]:
        stages_of = Counter(entry.artifact.stage for entry in removed)
        by_stage = ", ".join(f"{number} {stage}" for stage, number in stages_of.most_common())
        print(one_line(f"these are the largest; {len(rest_of)} more; of all: {by_stage}"))
    leftovers = sum(path.parent.name != LOCKS for path in rest)  # locks are of no interest
    what = f"{counted(len(removed), 'entry', 'entries')} and {counted(leftovers, 'leftover')} of {cache} {verb}"
    print(one_line(f"{what}: {size_text(sum(entry.size for entry in removed) + size)}"))


def _print_sizes(cache: Path) -> None:
    found = _all_entries(cache)
    total = size_text(sum(entry.size for entry in found))
    print(one_line(f"{cache}: {total} in {counted(len(found), 'entry', 'entries')}"))
    known = [entry for entry in found if entry.video and entry.digest]
    videos = {entry.digest: one_line(entry.video) for entry in sorted(known, key=lambda entry: entry.used_s)}
    clips = Counter(videos.values())  # by name

    def video(entry: Entry) -> str:
        if not entry.video:
            return UNKNOWN_VIDEO
        if not entry.digest:  # of a stage that gives the video's file
            return one_line(entry.video)
        name = videos[entry.digest]
        return name if clips[name] == 1 else f"{name} ({entry.digest[:8]})"

    if found:
        _table("stage", found, lambda entry: entry.artifact.stage)
        _table("video", found, video)
    rest = prune.litter(cache)
    work = sum(map(prune.size_of, rest))
    if work >= BYTES_PER_UNIT["MB"]:
        print(f"\nalso {size_text(work)} of unfinished work; `stillwalk cache prune --older-than 30d` removes it too")


def _table(head: str, found: Iterable[Entry], group: Callable[[Entry], str]) -> None:
    """One line for each group, the largest first."""
    groups: dict[str, list[Entry]] = {}
    for entry in found:
        groups.setdefault(group(entry), []).append(entry)
    width = max(len(name) for name in [head, *groups])
    print(f"\n{head:<{width}}  entries       size  last used")
    for name, own in sorted(groups.items(), key=lambda item: -sum(entry.size for entry in item[1])):
        used = _ago(max(entry.used_s for entry in own))
        print(f"{name:<{width}}  {len(own):>7}  {size_text(sum(entry.size for entry in own)):>9}  {used}")


def _ago(then_s: float) -> str:
    past_s = max(0.0, time.time() - then_s)
    for unit, name in (("d", "day"), ("h", "hour"), ("m", "minute")):
        if past_s >= SECONDS_PER_UNIT[unit]:
            return f"{counted(int(past_s // SECONDS_PER_UNIT[unit]), name)} ago"
    return "just now"
