"""``stillwalk index`` joins the results of several runs, such as the shares of an array job, into one index."""

import sys
from pathlib import Path
from typing import Final

from flows.cli.subcommand_parser import SubcommandParser
from flows.results.joined_index import Joined, join_results
from tasks.errors import StillwalkError, counted
from tasks.untrusted.paths import absolute_path
from tasks.untrusted.plain_text import one_line

INDEX_DESCRIPTION: Final = """Joins the results of several runs into one page and its tables. A FOLDER is what
output_dir= was in a run, or the folder of a sweep. The index is written into the nearest folder that holds them all:
index.html with batch.json and batch.csv, or with sweep.json and sweep.csv."""


def run_index_command(arguments: list[str]) -> int:
    """Join the results in the named folders; the exit status: 2, and one line, where that could not be done."""
    try:
        _print_joined(join_results(parse_folders(arguments)))
    except StillwalkError as error:
        print(f"stillwalk: {one_line(str(error))}", file=sys.stderr)
        return 2
    return 0


def parse_folders(arguments: list[str]) -> list[Path]:
    """The folders that a command line names, each once, as absolute paths; ``SettingError`` for none."""
    parser = SubcommandParser("index", INDEX_DESCRIPTION)
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="a folder with results")
    return list(dict.fromkeys(absolute_path(folder) for folder in parser.parse_args(arguments).folders))


def _print_joined(joined: Joined) -> None:
    for folder in joined.without_results:
        print(one_line(f"{folder}: holds no results"))
    if joined.repeated:
        fact = f"{counted(joined.repeated, 'result')} in several folders"
        print(f"{fact}: what was written last counts")
    for row in joined.rows:
        if row["error"]:
            print(one_line(f"{row['video']}: FAILED: {row['error']}"), file=sys.stderr)
    videos = counted(len({row["path"] for row in joined.rows}), "video")
    failed = sum(bool(row["error"]) for row in joined.rows)
    failures = f", {failed} failed" if failed else ""
    print(f"{counted(len(joined.rows), 'result')} of {videos}{failures}")
    print(one_line(f"overview: {joined.page}"))
