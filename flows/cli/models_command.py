"""``stillwalk models`` installs the models that the program runs."""

import argparse
import sys
from pathlib import Path
from typing import Final

from flows.cli.subcommand_parser import SubcommandParser
from tasks.errors import StillwalkError
from tasks.models.install import install_models
from tasks.models.sources import INSTALLED_FOLDER
from tasks.untrusted.paths import expand_home
from tasks.untrusted.plain_text import one_line

MODELS_DESCRIPTION: Final = """Installs the models that the program runs: from two public packages, each file checked
against its known digest. What is there already is kept. A run itself never needs the network."""


def run_models_command(arguments: list[str]) -> int:
    """Install the models; the exit status: 2, and one line, if they could not be installed."""
    try:
        options = parse_options(arguments)
        folder = expand_home(options.folder)
        install_models(folder, extra=options.extra)
        print(f"The models are in {folder}")
    except StillwalkError as error:
        print(f"stillwalk: {one_line(str(error))}", file=sys.stderr)
        return 2
    return 0


def parse_options(arguments: list[str]) -> argparse.Namespace:
    """The options ``extra`` and ``folder``; ``SettingError`` for others."""
    parser = SubcommandParser("models", MODELS_DESCRIPTION)
    parser.add_argument("--extra", action="store_true", help="also the pose models lite and heavy; needs npm")
    parser.add_argument(
        "--folder", type=Path, default=INSTALLED_FOLDER, help="another folder; name it in models.dir (%(default)s)"
    )
    return parser.parse_args(arguments)
