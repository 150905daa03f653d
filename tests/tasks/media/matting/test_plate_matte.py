"""Opacity by the plate: it corrects the mask where it can tell, and leaves it alone where it cannot."""

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes
from tasks.media.matting.plate_matte import PlateMatte
from tasks.media.planes.layout import Alpha, nearest_layout
from tasks.media.planes.region import Region
from tasks.media.scene.clean_part import CleanPart
from tests.tasks.media.matting.test_matte import RATE_HZ, disc

SIZE = (160, 200)
GRAY = nearest_layout("gray")


def ground(seed: int = 1, noise: float = 2.0) -> Bytes:
    return np.random.default_rng(seed).normal(90, noise, SIZE[::-1]).clip(0, 255).astype(np.uint8)


def body(grown_px: float = 0.0) -> Bytes:
    """A torso with a leg, as bytes of a mask."""
    mask = disc(SIZE, (80, 70), 40 + grown_px)
    mask[70:180, 66 - int(grown_px) : 94 + int(grown_px)] = 255
    return mask


def shown(person: Bytes, back: Bytes, level: int = 180) -> Bytes:
    """The picture of a person of one brightness before a ground."""
    share = person / 255
    return np.asarray(np.rint(share * level + (1 - share) * back), np.uint8)


def alpha_of(picture: Bytes, plate: Bytes, mask: Bytes) -> Alpha:
    clean = CleanPart(Region(0, 0, *SIZE), (plate,), np.ones(SIZE[::-1], np.bool_))
    matte = PlateMatte(GRAY, RATE_HZ)
    return share(matte.opacity((picture,), clean, matte.compare((picture,), clean, mask), []))


def share(opacity: Bytes) -> Alpha:
    return opacity.astype(np.float32) / np.float32(255)


def test_a_mask_that_is_too_large_or_too_small_is_corrected() -> None:
    truth = body()
    for grown_px in (-5, 5):
        alpha = alpha_of(shown(truth, ground(2)), ground(3), body(grown_px))
        wrong = np.abs(body(grown_px) / 255.0 - truth / 255.0).sum()
        assert np.abs(alpha - truth / 255).sum() < 0.15 * wrong


def test_half_a_pixel_of_the_person_is_half_opaque() -> None:
    truth = np.zeros(SIZE[::-1], np.uint8)
    truth[20:180, 50:110] = 255
    truth[20:180, 50], truth[20:180, 109] = 64, 191
    alpha = alpha_of(shown(truth, ground(2, 0.5)), ground(3, 0.5), truth)
    assert abs(float(alpha[60:140, 50].mean()) - 64 / 255) < 0.12
    assert abs(float(alpha[60:140, 109].mean()) - 191 / 255) < 0.12


def test_a_plate_of_another_place_changes_little() -> None:
    """Inside and outside of the mask it is wrong alike, so it tells nothing."""
    random = np.random.default_rng(4)
    plate = random.integers(0, 256, SIZE[::-1]).astype(np.uint8)
    picture = shown(body(), random.integers(0, 256, SIZE[::-1]).astype(np.uint8), 128)
    alpha = alpha_of(picture, plate, body())
    assert np.abs(alpha - body() / 255).mean() < 0.03


def test_clothes_that_look_like_the_background_stay() -> None:
    """The leg has the ground's own brightness: the mask alone knows about it."""
    picture = shown(body(), ground(2))
    picture[112:180, 66:94] = ground(5)[112:180, 66:94]
    alpha = alpha_of(picture, ground(3), body())
    assert alpha[118:174, 68:92].mean() > 0.95


def test_what_lies_apart_from_the_person_does_not_appear() -> None:
    picture = shown(body(), ground(2))
    picture[20:60, 130:150] = 220
    alpha = alpha_of(picture, ground(3), body())
    assert not alpha[10:70, 126:].any()


def test_a_limb_that_only_one_mask_lacks_is_whole() -> None:
    lacking = body()
    lacking[125:180] = 0
    clean = CleanPart(Region(0, 0, *SIZE), (ground(3),), np.ones(SIZE[::-1], np.bool_))
    picture, matte = shown(body(), ground(2)), PlateMatte(GRAY, RATE_HZ)
    before, now, after = (matte.compare((picture,), clean, mask) for mask in (body(), lacking, body()))
    still = np.zeros(2)
    alpha = share(matte.opacity((picture,), clean, now, [(before, still), (after, still)]))
    assert np.abs(alpha - body() / 255).sum() < 150
    assert np.abs(share(matte.opacity((picture,), clean, now, [])) - body() / 255).sum() > 1000


def test_what_the_plate_speaks_for_stays_though_the_neighbours_lack_it() -> None:
    """A fast arm is at a place for one frame."""
    arm = body()
    arm[90:98, 94:130] = 255
    clean = CleanPart(Region(0, 0, *SIZE), (ground(3),), np.ones(SIZE[::-1], np.bool_))
    matte = PlateMatte(GRAY, RATE_HZ)
    compared = [matte.compare((shown(mask, ground(2)),), clean, mask) for mask in (body(), arm, body())]
    still = np.zeros(2)
    alpha = share(
        matte.opacity((shown(arm, ground(2)),), clean, compared[1], [(compared[0], still), (compared[2], still)])
    )
    assert alpha[92:96, 98:126].mean() > 0.95


def test_an_arm_that_moves_by_itself_and_only_one_mask_lacks_is_whole() -> None:
    def with_arm(row: int) -> Bytes:
        mask = body()
        mask[row : row + 16, 94:140] = 255
        return mask

    clean = CleanPart(Region(0, 0, *SIZE), (ground(3),), np.ones(SIZE[::-1], np.bool_))
    matte, rows = PlateMatte(GRAY, RATE_HZ), (84, 92, 100)
    masks = (with_arm(rows[0]), body(), with_arm(rows[2]))
    pictures = [shown(with_arm(row), ground(2)) for row in rows]
    compared = [matte.compare((picture,), clean, mask) for picture, mask in zip(pictures, masks, strict=True)]
    still = np.zeros(2)
    alpha = share(matte.opacity((pictures[1],), clean, compared[1], [(compared[0], still), (compared[2], still)]))
    assert alpha[96:104, 100:136].mean() > 0.95
    arm = (with_arm(rows[1]).astype(np.float64) - body()).sum() / 255
    assert np.abs(alpha - with_arm(rows[1]) / 255).sum() < 0.35 * arm


def test_a_shadow_under_the_feet_stays_with_the_floor() -> None:
    """Trousers are darker still, and so near to the shadow that the plate takes it for them."""
    back = ground(2)
    shade = np.ones(SIZE[::-1], np.float32)
    shade[180:186, 66:94] = 0.7
    picture = shown(body(), np.asarray(np.rint(back * shade), np.uint8), 60)
    alpha = alpha_of(picture, ground(3), body())
    assert alpha[120:178, 68:92].mean() > 0.95
    assert alpha[181:186, 68:92].mean() < 0.2


def test_a_person_of_one_row_is_cut_too() -> None:
    """As where a head just comes in at the lower edge of a picture of odd height."""
    mask = np.zeros((1, 40), np.uint8)
    mask[:, 10:30] = 255
    picture, ground_planes = (tuple(np.full((1, 40), level, np.uint8) for _ in range(3)) for level in (200, 60))
    picture = tuple(np.where(mask > 0, plane, 60).astype(np.uint8) for plane in picture)
    clean = CleanPart(Region(0, 0, 40, 1), ground_planes, np.ones((1, 40), np.bool_))
    matte = PlateMatte(nearest_layout("yuv444p"), RATE_HZ)
    alpha = share(matte.opacity(picture, clean, matte.compare(picture, clean, mask), []))
    assert (alpha[0, 14:26] > 0.9).all()
    assert not alpha[0, :6].any()


def test_at_120_hz_what_was_learned_fades_as_fast_in_seconds() -> None:
    """A plate that told the person apart turns into one of another place, which tells nothing."""
    random = np.random.default_rng(4)
    wrong = random.integers(0, 256, SIZE[::-1]).astype(np.uint8)

    def odds_of(rate_hz: float, times: int) -> NDArray[np.float32]:
        matte, picture = PlateMatte(GRAY, rate_hz), shown(body(), ground(2))
        for plate, mask, frames in ((ground(3), body(), 6), (wrong, body(-5), 2)):
            clean = CleanPart(Region(0, 0, *SIZE), (plate,), np.ones(SIZE[::-1], np.bool_))
            for _ in range(times * frames):
                now = matte.compare((picture,), clean, mask)
        return now.odds

    usual, fast, as_before = odds_of(RATE_HZ, 1), odds_of(4 * RATE_HZ, 4), odds_of(RATE_HZ, 4)
    assert np.abs(fast - usual).mean() < 0.03 * np.abs(as_before - usual).mean()
