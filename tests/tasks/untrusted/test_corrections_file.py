"""Corrections by hand: what a file says, and one line for every mistake in it."""

import os
import time
from pathlib import Path

import pytest

from tasks.errors import SettingError
from tasks.untrusted.corrections_file import MOST_BYTES, Corrections, read_corrections

NAMES = "frame,to_frame,x_px,y_px,person,absent\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "walk.csv"
    file.write_text(text)
    return file


def test_each_line_says_one_thing_and_they_are_put_in_order(tmp_path: Path) -> None:
    text = "\ufeff# by me\n" + NAMES + "37,,412.5,260,,\n\n5,,1,2,,0\n120,164,,,,1\n80,,,,2,\n8,,,,,true\n"
    found = read_corrections(written(tmp_path, text), frames=200, size_px=(640, 360))
    assert found == Corrections(((5, 1.0, 2.0), (37, 412.5, 260.0)), ((80, 2),), ((8, 8), (120, 164)))
    assert found.last_frame() == 164
    assert found
    assert not Corrections()


def test_columns_may_be_left_out_and_exchanged(tmp_path: Path) -> None:
    assert read_corrections(written(tmp_path, "y_px,x_px,frame\n3,2,1\n")).points == ((1, 2.0, 3.0),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("frame;x_px\n1;2\n", r"line 1: its values are separated by semicolons; save it with commas between them"),
        ("frame\tx_px\n1\t2\n", r"line 1: its values are separated by tabs; save it with commas between them"),
        ("frame,x\n1,2\n", r"line 1: 'x' is no column; begin with the line frame,to_frame,x_px"),
        ("x_px,y_px\n1,2\n", r"line 1: the names of the columns are not right"),
        (NAMES + "1,,2,,,\n", r"line 2: y_px is ''; give pixels of the source, such as 412.5"),
        (NAMES + "1,,nan,4,,\n", r"line 2: x_px nan is outside the picture; give -0.5 to 639.5"),
        (NAMES + "1,,2,360,,\n", r"line 2: y_px 360 is outside the picture; give -0.5 to 359.5"),
        (NAMES + "\n30,,2,4,,\n", r"line 3: frame 30 is behind the last frame; give 0 to 29"),
        (NAMES + "-1,,2,4,,\n", r"line 2: frame is '-1'; give a whole number from 0"),
        (NAMES + "1,,2,4,3,\n", r"line 2: it says both point and person; give frame,x_px,y_px or"),
        (NAMES + "1,,,,,\n", r"line 2: it says nothing; give frame,x_px,y_px or frame,person or"),
        (NAMES + "1,,,,0,\n", r"line 2: person is '0'; give a whole number from 1"),
        (NAMES + "1,9,,,2,\n", r"line 2: to_frame belongs to an absence; leave it out, or give absent=1"),
        (NAMES + "9,1,,,,1\n", r"line 2: to_frame 1 is before frame 9; exchange them"),
        (NAMES + "9,40,,,,1\n", r"line 2: to_frame 40 is behind the last frame"),
        (NAMES + "9,,,,,maybe\n", r"line 2: absent is 'maybe'; give 1, or nothing"),
        (NAMES + "1,,2,4,,\n1,,2,5,,\n", r"line 3: frame 1 is corrected twice; remove one of the lines"),
        (NAMES + "1,,2,4,,\n0,3,,,,1\n", r"frame 1 has an anchor, and is in an absence; remove one of the lines"),
        (NAMES + "1,,2,4,,,7\n", r"line 2: it has more than 6 values"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_a_cure(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=rf"^corrections: \S+walk.csv:? {sentence}"):
        read_corrections(written(tmp_path, text), frames=30, size_px=(640, 360))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"cannot be read \(No such file or directory\); give a CSV file"):
        read_corrections(tmp_path / "no.csv")
    (tmp_path / "walk.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingError, match="it is not a text file in UTF-8"):
        read_corrections(tmp_path / "walk.csv")
    with pytest.raises(SettingError, match=r"cannot be read \(is not a regular file\); give a CSV file"):
        read_corrections(Path("/dev/zero"))
    os.truncate(tmp_path / "walk.csv", MOST_BYTES + 1)
    with pytest.raises(SettingError, match=rf"cannot be read \(has more than {MOST_BYTES} bytes\); give a CSV file"):
        read_corrections(tmp_path / "walk.csv")


def test_a_long_file_of_anchors_and_absences_is_read_in_a_moment(tmp_path: Path) -> None:
    rows = 20_000  # compared each with each, they would take about 10 s
    anchors = "".join(f"{frame},,1,1,,\n" for frame in range(rows))
    absences = "".join(f"{frame},,,,,1\n" for frame in range(rows, 2 * rows))
    file = written(tmp_path, NAMES + anchors + absences)
    began_s = time.process_time()
    found = read_corrections(file)
    assert time.process_time() - began_s < 5
    assert (len(found.points), len(found.absences)) == (rows, rows)


def test_an_anchor_in_a_long_absence_is_found_behind_a_short_one(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="frame 7 has an anchor"):
        read_corrections(written(tmp_path, NAMES + "7,,1,1,,\n0,9,,,,1\n3,4,,,,1\n"))
