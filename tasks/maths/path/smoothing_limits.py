"""What a clip's length and frame rate allow a smoother to be set to. Imports no library: checked before any work."""

from typing import Any, Final, Protocol

from tasks.errors import SettingError

DEFAULT_WINDOW_FRAMES: Final = 5  # that of ``SmoothingConf``: in a shorter clip it shrinks, since nobody asked for it
WINDOW_SMOOTHERS: Final = ("moving", "gaussian", "savgol")
CUTOFF_SMOOTHERS: Final = ("butterworth", "kalman")


class SmootherName(Protocol):
    """The name of a smoother."""

    @property
    def value(self) -> Any: ...


class SmootherSettings(Protocol):
    """The settings of a smoother that a clip can contradict."""

    @property
    def kind(self) -> SmootherName: ...
    @property
    def window(self) -> int: ...
    @property
    def window_s(self) -> float | None: ...
    @property
    def order(self) -> int: ...
    @property
    def cutoff_hz(self) -> float: ...


def check_smoothing(settings: SmootherSettings, frames: int, rate_hz: float) -> None:
    """Raise ``SettingError`` for settings that a clip of ``frames`` at ``rate_hz`` on average does not allow.

    Refused are: a window longer than the clip (the default window and shorter ones shrink instead), a savgol order that
    is not below its window, and a cut-off of half the frame rate or more. An unknown number is given as 0, and what
    depends on it is not checked.
    """
    kind = settings.kind.value
    if kind in WINDOW_SMOOTHERS:
        _check_length(settings, frames, rate_hz)
    if kind == "savgol" and (settings.window_s is None or rate_hz > 0):
        _check_order(settings.order, _requested_window(settings, rate_hz))
    if kind in CUTOFF_SMOOTHERS:
        _check_cutoff(settings.cutoff_hz, rate_hz)


def usable_window_frames(settings: SmootherSettings, frames: int, rate_hz: float) -> int:
    """The window in frames, odd and not longer than the clip; seconds are rounded to the nearest odd number."""
    longest = frames - 1 + frames % 2
    return min(_requested_window(settings, rate_hz), longest)


def _requested_window(settings: SmootherSettings, rate_hz: float) -> int:
    if settings.window_s is None:
        return settings.window
    return 2 * int(round(settings.window_s * rate_hz, 6) / 2) + 1


def _check_length(settings: SmootherSettings, frames: int, rate_hz: float) -> None:
    if not frames:
        return
    if settings.window_s is not None:
        if settings.window_s * rate_hz > frames + 0.5:
            longest_s = int(1000 * frames / rate_hz) / 1000
            fact = f"{settings.window_s:g} s is longer than the clip of {longest_s:g} s"
            raise SettingError(f"smoothing.window_s: {fact}; give at most {longest_s:g}")
    elif settings.window > max(frames, DEFAULT_WINDOW_FRAMES):
        fact = f"{settings.window} frames is longer than the clip of {frames}"
        longest = frames - 1 + frames % 2
        raise SettingError(f"smoothing.window: {fact}; give an odd number of at most {longest}")


def _check_order(order: int, window: int) -> None:
    if 1 < window <= order:
        fact = f"a polynomial of order {order} needs more than the window's {window} frames"
        raise SettingError(f"smoothing.order: {fact}; give at most {window - 1}, or a longer window")


def _check_cutoff(cutoff_hz: float, rate_hz: float) -> None:
    half_hz = rate_hz / 2
    if rate_hz > 0 and not 0 < cutoff_hz < half_hz:
        fact = f"{cutoff_hz:g} Hz is not between 0 and half the frame rate ({half_hz:g} Hz)"
        raise SettingError(f"smoothing.cutoff_hz: {fact}; give less than {half_hz:g}")
