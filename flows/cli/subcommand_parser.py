"""The parser of a subcommand, such as ``stillwalk cache``: it refuses wrong arguments in one line."""

import argparse
from typing import NoReturn

from tasks.errors import SettingError


class SubcommandParser(argparse.ArgumentParser):
    """``SettingError`` for wrong arguments, like the rest of the program; no option may be shortened."""

    def __init__(self, word: str, description: str, usage: str | None = None) -> None:
        super().__init__(f"stillwalk {word}", usage=usage, description=description, allow_abbrev=False)
        self._word = word

    def error(self, message: str) -> NoReturn:
        raise SettingError(f"{self._word}: {message}; `{self.prog} --help` shows how it is called")
