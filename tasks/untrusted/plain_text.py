"""Text from names, tags and files stays text: on the terminal, in a spreadsheet and in Markdown."""

import re
from typing import Final

FORMULA_SIGNS: Final = ("=", "+", "-", "@")  # a spreadsheet evaluates a cell that begins with one of them
MARKDOWN_SIGNS: Final = "\\`*_{}[]<>#|!:@&~$^"  # Markdown and its dialects format, link and embed with them


def one_line(text: str) -> str:
    r"""The text with every unprintable character as an escape, such as ``\x1b``.

    Unprintable are line breaks, control characters, and the marks that change the direction of writing.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def printable_lines(text: str) -> str:
    """Like ``one_line``, but line breaks and tabs are kept."""
    return text if text.isprintable() else "".join(sign if sign in "\n\t" else _shown(sign) for sign in text)


def csv_cell(value: object) -> object:
    """A value for a CSV file: text that a spreadsheet would evaluate gets a quote in front of it.

    Control characters are escaped: Python's ``csv`` puts no quotes around a carriage return, which would begin a row.
    """
    if not isinstance(value, str):
        return value
    text = printable_lines(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA_SIGNS) else text


def escape_markdown(text: str) -> str:
    """One line of Markdown that shows the text and formats, links and embeds nothing."""
    escaped = "".join(f"\\{sign}" if sign in MARKDOWN_SIGNS else sign for sign in one_line(text))
    return re.sub(r"\b(www)\.", r"\1\\.", escaped, flags=re.IGNORECASE)


def _shown(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()
