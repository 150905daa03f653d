"""Corrections by hand: a CSV file of a user, read into plain numbers.

The columns are ``frame,to_frame,x_px,y_px,person,absent``, in any order; those that are not needed may be left out. A
row says one thing: where the anchor is in a frame, who is followed from a frame on, or from when to when nobody is.
"""

import csv
import io
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Final, NoReturn

from tasks.errors import SettingError
from tasks.untrusted.json_file import read_bytes, read_problem

CORRECTIONS_NAME: Final = "corrections.csv"  # in the folder of a video it is found by itself
COLUMNS: Final = ("frame", "to_frame", "x_px", "y_px", "person", "absent")
EXAMPLES: Final = "give frame,x_px,y_px or frame,person or frame,to_frame,absent"
MOST_BYTES: Final = 16 << 20
LARGEST_PX: Final = 1e6
OTHER_SEPARATORS: Final = {";": "semicolons", "\t": "tabs"}  # which spreadsheets write in many countries
MOST_DIGITS: Final = 9  # of a number of a frame or a person
YES, NO = ("1", "true", "yes"), ("", "0", "false", "no")


@dataclass(frozen=True)
class Corrections:
    """What a user has said of a clip, in order of the frames, which are those of ``trajectory.parquet``."""

    points: tuple[tuple[int, float, float], ...] = ()  # frame, and x and y of the anchor in source px
    people: tuple[tuple[int, int], ...] = ()  # frame from which on, number of the person
    absences: tuple[tuple[int, int], ...] = ()  # first and last frame in which the subject is absent

    def __bool__(self) -> bool:
        return bool(self.points or self.people or self.absences)

    def last_frame(self) -> int:
        """The greatest frame that is named; -1 for none."""
        named = (
            [point[0] for point in self.points] + [row[0] for row in self.people] + [row[1] for row in self.absences]
        )
        return max(named, default=-1)


def read_corrections(path: Path, *, frames: int = 0, size_px: tuple[int, int] | None = None) -> Corrections:
    """The corrections in a file; ``SettingError`` with the line for what is none, or lies outside the clip.

    ``frames`` of the clip, 0 where unknown; ``size_px`` is (width, height) of the upright source.
    """
    try:
        text = read_bytes(path, MOST_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        is_binary = isinstance(error, UnicodeDecodeError)
        fact = "it is not a text file in UTF-8" if is_binary else read_problem(path, error)
        raise SettingError(f"corrections: {path}: cannot be read ({fact}); give a CSV file") from error
    points: dict[int, tuple[float, float]] = {}
    people: dict[int, int] = {}
    absences: list[tuple[int, int]] = []
    for row in _rows(path, text):
        frame = row.frame("frame", frames)
        kind = row.kind()
        if kind == "absent":
            last = row.frame("to_frame", frames) if row.values.get("to_frame") else frame
            if last < frame:
                row.refuse(f"to_frame {last} is before frame {frame}", "exchange them")
            absences.append((frame, last))
            continue
        if row.values.get("to_frame"):
            row.refuse("to_frame belongs to an absence", "leave it out, or give absent=1")
        if frame in (points if kind == "point" else people):
            row.refuse(f"frame {frame} is corrected twice", "remove one of the lines")
        if kind == "point":
            points[frame] = row.point(size_px)
        else:
            people[frame] = row.whole("person", 1)
    absences.sort()
    lasts = list(accumulate((last for _, last in absences), max))  # so that a long file is read in a moment
    for frame in points:
        before = bisect_right(absences, frame, key=itemgetter(0))
        if before and frame <= lasts[before - 1]:
            fact = f"frame {frame} has an anchor, and is in an absence"
            raise SettingError(f"corrections: {path}: {fact}; remove one of the lines")
    ordered = tuple((frame, x, y) for frame, (x, y) in sorted(points.items()))
    return Corrections(ordered, tuple(sorted(people.items())), tuple(absences))


@dataclass(frozen=True)
class _Row:
    """A line of the file."""

    path: Path
    line: int
    values: Mapping[str, str]

    def refuse(self, fact: str, cure: str) -> NoReturn:
        raise SettingError(f"corrections: {self.path} line {self.line}: {fact}; {cure}")

    def kind(self) -> str:
        absent = self.values.get("absent", "").lower()
        if absent not in (*YES, *NO):
            self.refuse(f"absent is {absent!r}", "give 1, or nothing")
        given = {
            "point": bool(self.values.get("x_px") or self.values.get("y_px")),
            "person": bool(self.values.get("person")),
            "absent": absent in YES,
        }
        kinds = [name for name, there in given.items() if there]
        if len(kinds) != 1:
            self.refuse("it says nothing" if not kinds else f"it says both {' and '.join(kinds)}", EXAMPLES)
        return kinds[0]

    def whole(self, column: str, least: int) -> int:
        text = self.values.get(column, "")
        if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS) or int(text) < least:
            self.refuse(f"{column} is {text!r}", f"give a whole number from {least} to {'9' * MOST_DIGITS}")
        return int(text)

    def frame(self, column: str, frames: int) -> int:
        number = self.whole(column, 0)
        if frames and number >= frames:
            self.refuse(f"{column} {number} is behind the last frame", f"give 0 to {frames - 1}")
        return number

    def point(self, size_px: tuple[int, int] | None) -> tuple[float, float]:
        found = []
        for axis, column in enumerate(("x_px", "y_px")):
            text = self.values.get(column, "")
            try:
                value = float(text)
            except ValueError:
                self.refuse(f"{column} is {text!r}", "give pixels of the source, such as 412.5")
            limit = LARGEST_PX if size_px is None else size_px[axis] - 0.5
            least = -LARGEST_PX if size_px is None else -0.5
            if not least <= value <= limit:
                self.refuse(f"{column} {text} is outside the picture", f"give {least:g} to {limit:g}")
            found.append(value)
        return found[0], found[1]


def _rows(path: Path, text: str) -> Iterator[_Row]:
    """The lines with something in them, behind the line of names; lines that begin with # are skipped."""
    reader = csv.reader(io.StringIO(text, newline=""))
    names: list[str] = []
    try:
        for cells in reader:
            values = [cell.strip() for cell in cells]
            if not any(values) or values[0].startswith("#"):
                continue
            if names:
                if len(values) > len(names):
                    _Row(path, reader.line_num, {}).refuse(f"it has more than {len(names)} values", EXAMPLES)
                yield _Row(path, reader.line_num, dict(zip(names, values, strict=False)))
                continue
            names = values
            unknown = [name for name in names if name not in COLUMNS]
            if unknown or "frame" not in names or len(set(names)) < len(names):
                first = _Row(path, reader.line_num, {})
                for sign, separators in OTHER_SEPARATORS.items():
                    if sign in cells[0]:
                        fact = f"its values are separated by {separators}"
                        first.refuse(fact, "save it with commas between them, and points in numbers, such as 412.5")
                fact = f"{unknown[0]!r} is no column" if unknown else "the names of the columns are not right"
                first.refuse(fact, f"begin with the line {','.join(COLUMNS)}")
    except csv.Error as error:
        raise SettingError(f"corrections: {path} line {reader.line_num}: {error}; {EXAMPLES}") from error
