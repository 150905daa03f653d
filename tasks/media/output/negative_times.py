"""Files whose times begin before zero: what a player would leave out there is shown from zero on."""

from fractions import Fraction

from tasks.media.output.sound import SoundCopy


def ticks_later(first_pts: int, time_base: Fraction, sound: SoundCopy | None, notes: list[str]) -> int:
    """Ticks that every picture is to come later than in the source, so that none lies before zero; mostly 0.

    The sound is told to come as much later, and a sentence about it is added to ``notes``.
    """
    if first_pts >= 0:
        return 0
    later_s = -first_pts * time_base
    if sound is not None:
        sound.later_s = later_s
    fact = f"the file's times begin {float(later_s):.3f} s before zero, where players show nothing"
    notes.append(f"{fact}: picture and sound come so much later")
    return -first_pts
