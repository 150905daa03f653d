"""Messages with a number: one frame, two frames. A file that cannot be written, and an error that nobody foresaw."""

import errno
from pathlib import Path

import pytest

from tasks.errors import OutputError, counted, plain_reason, size_text, writing
from tasks.maths.tracking.subject_choice import PersonFacts, seen_text


@pytest.mark.parametrize(("number", "text"), [(0, "0 frames"), (1, "1 frame"), (2, "2 frames")])
def test_a_number_agrees_with_its_noun(number: int, text: str) -> None:
    assert counted(number, "frame") == text


def test_an_irregular_plural_is_given() -> None:
    assert [counted(number, "entry", "entries") for number in (1, 2)] == ["1 entry", "2 entries"]


def test_a_person_is_seen_in_one_frame() -> None:
    facts = PersonFacts(1, 1, 0.5, 0.0, 0.0, 200.0, 0.1, 0.9, 0.2, "")
    assert seen_text(facts) == "seen in 1 frame (50%) from 0.00 to 0.00 s"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            RuntimeError("can't start new thread"),
            "no more threads or processes may be started; raise the limit (ulimit -u)",
        ),
        (ImportError("libav.so: failed to map segment from shared object"), "memory ran out; "),
        (Exception("OpenCV: error: (-4:Insufficient memory) Failed to allocate 9 bytes"), "memory ran out; "),
        (OSError(12, "Cannot allocate memory"), "memory ran out; "),
        (ImportError("libav.so: no such file"), "ImportError: libav.so: no such file; this is a fault of the program"),
        (RuntimeError("odd\n  and more"), "RuntimeError: odd; this is a fault of the program"),
    ],
)
def test_what_the_machine_lacks_is_no_fault_of_the_program(error: Exception, said: str) -> None:
    assert plain_reason(error).startswith(said)


def test_a_size_has_the_unit_that_leaves_few_digits() -> None:
    sizes = (0, 1, 999, 1000, 350_600, 10**6, 3_240_000_000, 5 * 10**12)
    texts = ["0 bytes", "1 byte", "999 bytes", "1.0 KB", "350.6 KB", "1.0 MB", "3.2 GB", "5.0 TB"]
    assert [size_text(size) for size in sizes] == texts


@pytest.mark.parametrize(
    ("error", "fact"), [(OSError(errno.ENOSPC, "No space left"), "No space left"), (OSError("closed"), "closed")]
)
def test_what_cannot_be_written_is_one_line_with_a_cure(error: OSError, fact: str) -> None:
    with pytest.raises(OutputError) as told, writing(Path("out/a.csv")):
        raise error
    assert str(told.value) == f"out/a.csv: cannot be written ({fact}); free space there"
    with pytest.raises(ValueError, match="odd"), writing(Path("out/a.csv")):
        raise ValueError("odd")
