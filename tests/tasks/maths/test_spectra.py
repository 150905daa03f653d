import numpy as np
import pytest

from tasks.maths.spectra import has_spectrum, windowed_spectra


@pytest.mark.parametrize(("pause_s", "has_one"), [(0.0, True), (10.0, True), (86_400.0, False), (1e9, False)])
def test_a_clock_that_leaps_leaves_no_spectrum(pause_s: float, has_one: bool) -> None:
    """The even grid of a clip of 4 frames whose clock leapt by 34 years took 197 GB."""
    time_s = np.arange(100) / 30
    time_s[50:] += pause_s
    assert has_spectrum(time_s, 2.0) is has_one
    if has_one:
        assert np.isfinite(windowed_spectra(time_s, np.sin(time_s)[:, None], 2.0).power).all()
