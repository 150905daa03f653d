"""Pictures of HDR clips for ordinary screens: stills, previews and PNGs, which have no HDR of their own."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.records import ColorTags

PQ, HLG = 16, 18  # AVCOL_TRC_SMPTE2084, AVCOL_TRC_ARIB_STD_B67
WHITE_CD_M2: Final = 203.0  # of white paper in an HDR picture (ITU-R BT.2408)
HLG_PEAK_CD_M2: Final = 1000.0  # of the screen that HLG is meant for (ITU-R BT.2100)
HLG_GAMMA: Final = 1.2  # its system gamma at that peak
KNEE: Final = 0.6  # of the ordinary screen's white: darker than this stays as it is, brighter is rolled off
_BT2020: Final = 9  # AVCOL_PRI_BT2020
# Linear BT.2020 to BT.709 (ITU-R BT.2087).
_TO_BT709: Final = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_HLG_LUMA: Final = np.array([0.2627, 0.678, 0.0593], np.float32)  # ITU-R BT.2100


def is_hdr(color: ColorTags) -> bool:
    """Whether pictures with these tags are HDR: PQ or HLG."""
    return color.transfer in (PQ, HLG)


def for_ordinary_screens(rgb: NDArray[np.uint8], color: ColorTags) -> NDArray[np.uint8]:
    """``rgb`` (h, w, 3) as sRGB: tone-mapped where ``color`` says PQ or HLG, else the same array.

    Up to ``KNEE`` of white, brightness is kept; above it highlights are rolled off by an exponential. Red, green and
    blue are scaled alike, so that hues stay.
    """
    if not is_hdr(color):
        return rgb
    light = _linear(color.transfer)[rgb]  # 1 is white paper
    if color.transfer == HLG:  # the screen's gamma applies to the brightness of the scene
        scene = light @ _HLG_LUMA
        gain = HLG_PEAK_CD_M2 / WHITE_CD_M2 * np.power(np.maximum(scene, 1e-6), HLG_GAMMA - 1)
        light = light * gain[..., None].astype(np.float32)
    if color.primaries == _BT2020:
        light = np.maximum(light @ _TO_BT709.T, 0)
    brightest = np.maximum(light.max(axis=2, keepdims=True), 1e-6)
    rolled = KNEE + (1 - KNEE) * -np.expm1(-np.maximum(brightest - KNEE, 0) / (1 - KNEE))
    light *= np.where(brightest > KNEE, rolled / brightest, 1)
    return np.asarray(np.rint(255 * _srgb(light)), np.uint8)


@cache
def _linear(transfer: int) -> NDArray[np.float32]:
    """Light for each 8-bit signal (256,): of the screen in units of white paper (PQ), or of the scene, 0 to 1 (HLG)."""
    signal = np.arange(256) / 255
    if transfer == PQ:  # the EOTF of SMPTE ST 2084
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
        power = signal ** (1 / m2)
        light = 10_000 / WHITE_CD_M2 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    else:  # the inverse OETF of ITU-R BT.2100
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return np.asarray(light, np.float32)


def _srgb(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """The signal of IEC 61966-2-1 for linear light, 0 to 1."""
    clipped = np.clip(light, 0, 1)
    return np.asarray(np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055), np.float32)
