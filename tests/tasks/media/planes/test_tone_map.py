"""HDR pictures for ordinary screens: what an ordinary screen can show keeps its look, and highlights are rolled off."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.planes.tone_map import HLG, KNEE, PQ, WHITE_CD_M2, for_ordinary_screens
from tasks.records import ColorTags

BT709, BT2020 = 1, 9


def srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055))


def pq(cd_m2: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse EOTF of SMPTE ST 2084."""
    power = (cd_m2 / 10_000) ** (2610 / 16384)
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    return np.asarray(((c1 + c2 * power) / (1 + c3 * power)) ** (2523 / 4096 * 128))


def hlg(cd_m2: NDArray[np.float64]) -> NDArray[np.float64]:
    """The signal of gray of this brightness on a screen of 1000 cd/m2 (ITU-R BT.2100)."""
    scene = (cd_m2 / 1000) ** (1 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c))


def gray(signal: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(255 * signal).astype(np.uint8)[None, :, None], 3, axis=2)


@pytest.mark.parametrize(("transfer", "encode"), [(PQ, pq), (HLG, hlg)])
def test_up_to_the_knee_gray_looks_as_on_an_ordinary_screen(transfer: int, encode: object) -> None:
    assert callable(encode)
    light = np.linspace(0.02, KNEE, 40)
    shown = for_ordinary_screens(gray(encode(light * WHITE_CD_M2)), ColorTags(primaries=BT2020, transfer=transfer))
    assert np.abs(shown[0, :, 1] - 255 * srgb(light)).max() <= 4  # of the 8 bits of the signal
    assert np.ptp(shown.astype(int), axis=2).max() <= 1


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_brighter_stays_brighter_and_paper_is_nearly_white(transfer: int) -> None:
    encode = pq if transfer == PQ else hlg
    ramp = np.linspace(0, 1, 256)
    shown = for_ordinary_screens(gray(ramp), ColorTags(primaries=BT2020, transfer=transfer))[0, :, 0].astype(int)
    assert np.all(np.diff(shown) >= 0) and shown[0] == 0 and shown[-1] >= 253
    paper = for_ordinary_screens(gray(encode(np.array([WHITE_CD_M2]))), ColorTags(transfer=transfer))
    assert 225 <= int(paper.min()) <= 245
    washed_out = gray(encode(np.array([WHITE_CD_M2])))
    assert int(paper.min()) > int(washed_out.min()) + 30  # untreated, it is gray


def test_hues_stay_and_wide_colours_are_brought_into_range() -> None:
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 200
    for primaries in (BT709, BT2020):
        shown = for_ordinary_screens(red, ColorTags(primaries=primaries, transfer=PQ))[0, 0]
        assert shown[0] > 200 and shown[1] < 60 and shown[2] < 60


@pytest.mark.parametrize("transfer", [1, 2, 13])
def test_ordinary_pictures_are_not_touched(transfer: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    assert for_ordinary_screens(rgb, ColorTags(transfer=transfer)) is rgb
