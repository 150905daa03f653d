"""Following several people, with estimators that see plain points instead of a network."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import hip_midpoint
from tasks.maths.tracking.passing import Cover
from tasks.maths.tracking.search_plan import LOST_SEARCH_S, SEARCH_INTERVAL_S, THOROUGH_TILES
from tasks.maths.tracking.squares import FollowingWindow, Square, search_tiles
from tasks.models.frame_view import PAINT_LEVEL, PERSON_WINDOW_PX, boxes_of, paint_over
from tasks.models.people import RETRY_S, PeopleTracker
from tasks.models.people_finder import AtOnce, Result, one_by_one
from tasks.models.pose import PoseEstimate
from tasks.models.tracker_slot import TrackerSlot
from tasks.models.visibility import OwnVisibility
from tests.support.drawn.bodies import figure

TORSO_PX = 20.0
STEP_S = 1 / 30
LEAST_TORSO_PX = 12.0  # in an image: whoever is smaller is not detected
SMALLEST = 0.08
Image = NDArray[np.uint8]


class Scene:
    """A dark picture with a light point at each person's hips, the first the lightest."""

    def __init__(
        self, *hips_xy: tuple[float, float], torso_px: float = TORSO_PX, ghost: bool = False, turning: bool = False
    ) -> None:
        self.hips_xy, self.torso_px = hips_xy, torso_px
        self.turning = turning  # who is followed is lost: only an estimator that followed nobody sees somebody
        self.ghost = ghost  # what is there is seen in the whole picture only
        self.size_px = (600, 200)

    @property
    def small_luma(self) -> Image:
        return self.whole()[..., 0]

    def whole(self) -> Image:
        return self._image(self.size_px, 1.0, (0.0, 0.0))

    def part(self, square: Square, side_px: int) -> Image:
        scale = side_px / square.side_px
        return self._image((side_px, side_px), scale, (square.x_px - 0.5, square.y_px - 0.5), hidden=self.ghost)

    def edges_px(self, square: Square) -> Floats:
        return square.edges_px

    def _image(
        self, size_px: tuple[int, int], scale: float, corner_xy: tuple[float, float], *, hidden: bool = False
    ) -> Image:
        """The torso's length in the image is the second channel: the estimator draws its figure by it."""
        rgb = np.zeros((size_px[1], size_px[0], 3), np.uint8)
        for number, hip in enumerate(() if hidden else self.hips_xy):
            x, y = np.round((np.array(hip) - corner_xy) * scale).astype(int)
            if 0 <= x < size_px[0] and 0 <= y < size_px[1]:
                rgb[y, x] = 255 - 20 * number, round(self.torso_px * scale), int(self.turning)
        return rgb


class Eye:
    """Stands for a landmarker: detects the lightest point of all, then follows the nearest one."""

    def __init__(self) -> None:
        self.last: NDArray[np.float64] | None = None
        self.images: list[tuple[int, ...]] = []

    def __call__(self, rgb: Image, time_s: float) -> PoseEstimate | None:
        self.images.append(rgb.shape[:2])
        y, x = np.nonzero((rgb[..., 0] > 2 * PAINT_LEVEL - 100) & (rgb[..., 1] >= LEAST_TORSO_PX))
        if len(x) == 0 or (self.last is not None and rgb[y, x, 2].any()):
            self.last = None
            return None
        points = np.stack([x, y], axis=1).astype(np.float64)
        best = int(rgb[y, x, 0].argmax())
        torso_px = float(rgb[y[best], x[best], 1])
        if self.last is not None:
            away = np.hypot(*(points - self.last).T)
            best = int(away.argmin())
            if away[best] > torso_px:
                self.last = None
                return None
        self.last = points[best]
        return PoseEstimate(figure((float(points[best, 0]), float(points[best, 1])), torso_px), None)


class SmoothingEye(Eye):
    """Smooths the visibility as MediaPipe does, on from the person before: 0.9 of the lightest one, 0.2 of others."""

    def __init__(self) -> None:
        super().__init__()
        self.smoothed: float | None = None

    def __call__(self, rgb: Image, time_s: float) -> PoseEstimate | None:
        if (person := super().__call__(rgb, time_s)) is not None:
            x, y = np.round(hip_midpoint(person.landmarks)).astype(int)
            own = 0.9 if rgb[y, x, 0] == 255 else 0.2
            self.smoothed = own if self.smoothed is None else 0.1 * own + 0.9 * self.smoothed
            person.landmarks[:, 3] = self.smoothed
        return person


def followed(
    scenes: Sequence[Scene],
    most: int = 3,
    at_once: AtOnce = one_by_one,
    *,
    later: bool = False,
    smallest: float = SMALLEST,
) -> tuple[list[dict[int, float]], list[Eye]]:
    """For each frame the track and x of everybody seen (``later``: asked for after the next look); the estimators."""
    eyes: list[Eye] = []

    def open_estimator() -> Eye:
        eyes.append(Eye())
        return eyes[-1]

    finder = PeopleTracker(open_estimator, most, smallest, at_once)
    looks = (finder.look(scene, number * STEP_S) for number, scene in enumerate(scenes))
    people = [look() for look in list(looks)] if later else [look() for look in looks]
    frames = [{one.track: float(one.landmarks[23:25, 0].mean()) for one in found} for found in people]
    return frames, eyes


def near(expected: dict[int, float]) -> object:
    return pytest.approx(expected, abs=1.0)


def looks(eyes: Sequence[Eye], *, windows: bool) -> int:
    """How many windows were looked at; or tiles and whole pictures."""
    sizes = [size for eye in eyes for size in eye.images if size != (64, 64)]
    return sum((size == (PERSON_WINDOW_PX, PERSON_WINDOW_PX)) is windows for size in sizes)


def test_two_people_are_two_tracks_from_the_first_frame_on() -> None:
    frames, eyes = followed([Scene((100 + i, 80), (400 - i, 80)) for i in range(40)])
    assert all(people == near({1: 100 + i, 2: 400 - i}) for i, people in enumerate(frames))
    assert len(eyes) == 3


@pytest.mark.parametrize(("x_px", "torso_px"), [(100, 6.0), (540, 4.0)])
def test_a_small_person_is_found_in_a_tile_within_half_a_second(x_px: int, torso_px: float) -> None:
    frames, _ = followed([Scene((x_px + i, 80), torso_px=torso_px) for i in range(40)])
    assert all(people == near({1: x_px + i}) for i, people in enumerate(frames) if i * STEP_S >= 0.5)


def test_a_person_who_is_followed_is_looked_at_once_a_frame() -> None:
    _, eyes = followed([Scene((100 + i, 80)) for i in range(120)])
    assert 120 <= looks(eyes, windows=True) <= 122
    tiles = len(search_tiles(Scene().size_px, SMALLEST))
    once = tiles + tiles / THOROUGH_TILES + 2  # each tile, in frames that are looked at as a whole
    assert looks(eyes, windows=False) <= once + 2 * (120 * STEP_S / SEARCH_INTERVAL_S + 1)


def test_nobody_else_is_searched_for_where_one_is_the_most() -> None:
    frames, eyes = followed([Scene((100 + i, 80), (400 - i, 80)) for i in range(20)], most=1)
    assert all(people == near({1: 100 + i}) for i, people in enumerate(frames))
    assert len(eyes) == 1 and looks(eyes, windows=False) == 1  # the second look is by the same estimator


def test_the_visibility_of_the_second_person_is_not_that_of_the_first() -> None:
    """The second estimator has confirmed the first person, who is large, before it follows the second one."""
    finder = PeopleTracker(SmoothingEye, 3, SMALLEST)
    for number in range(6):
        people = finder(Scene((200, 80), (400, 80), torso_px=30.0), number * STEP_S)
        assert [one.landmarks[0, 3] for one in people] == pytest.approx([0.9, 0.2])


def test_a_large_person_is_tracked_in_the_whole_frame() -> None:
    frames, eyes = followed([Scene((100 + i, 80), torso_px=30.0) for i in range(20)], most=1)
    assert all(people == near({1: 100 + i}) for i, people in enumerate(frames))
    assert looks(eyes, windows=True) == 1 and looks(eyes, windows=False) == 20  # one window confirms who was found


def test_nobody_is_looked_for_in_every_frame() -> None:
    frames, _ = followed([Scene() for _ in range(20)] + [Scene((300, 80))])
    assert frames[:20] == [{}] * 20 and frames[-1] == near({1: 300})


def test_what_its_own_window_does_not_show_is_nobody() -> None:
    frames, _ = followed([Scene((300, 80), ghost=True) for _ in range(40)])
    assert frames == [{}] * 40


def test_for_a_body_that_is_too_small_no_second_estimator_is_opened() -> None:
    """Each takes 70 MB."""
    frames, eyes = followed([Scene((300, 80)) for _ in range(10)], smallest=0.9)
    assert frames == [{}] * 10 and len(eyes) == 1


def test_a_newcomer_is_seen_within_the_time_between_two_searches() -> None:
    frames, _ = followed([Scene((100, 80)) if i < 41 else Scene((100, 80), (500, 80)) for i in range(70)])
    late = next(i for i, people in enumerate(frames) if len(people) == 2) - 41
    assert 0 <= late * STEP_S <= SEARCH_INTERVAL_S + STEP_S
    assert frames[-1] == near({1: 100, 2: 500})


def test_who_is_lost_is_found_again_at_once_under_a_new_number() -> None:
    scenes = [Scene((100, 80), (400, 80)) if not 30 <= i < 40 else Scene((100, 80)) for i in range(50)]
    assert 10 * STEP_S < LOST_SEARCH_S
    frames, _ = followed(scenes)
    assert frames[29] == near({1: 100, 2: 400}) and frames[35] == near({1: 100})
    assert frames[40] == near({1: 100, 3: 400})


def test_a_small_person_is_found_again_at_once_where_the_way_led() -> None:
    seen = [(100 + 2.0 * i, 80.0) for i in range(60)]
    scenes = [Scene((500, 80), *([] if 30 <= i < 45 else [seen[i]]), torso_px=6.0) for i in range(60)]
    assert RETRY_S < 15 * STEP_S < LOST_SEARCH_S
    frames, _ = followed(scenes)
    assert len(frames[29]) == 2 and len(frames[44]) == 1
    assert frames[45] == near(frames[44] | {3: seen[45][0]})


@pytest.mark.parametrize("torso_px", [6.0, 30.0])
def test_who_turns_over_is_looked_at_anew_and_stays_the_same_person(torso_px: float) -> None:
    frames, _ = followed([Scene((100 + i, 80), torso_px=torso_px, turning=20 <= i < 30) for i in range(40)])
    assert all(people == near({1: 100 + i}) for i, people in enumerate(frames))


def test_who_is_far_from_where_somebody_was_lost_is_somebody_else() -> None:
    """Less than a torso is a fast turn; more than one in a frame is another body."""
    for jump_px, track in ((5.0, 1), (8.0, 2)):
        scenes = [Scene((100 + jump_px * (i >= 20), 80), torso_px=6.0, turning=i == 20) for i in range(40)]
        frames, _ = followed(scenes)
        assert list(frames[19]) == [1] and next(list(people) for people in frames[20:] if people) == [track]


class Noted(Scene):
    """A scene that says which parts of it were looked at."""

    def __init__(self, *hips_xy: tuple[float, float]) -> None:
        super().__init__(*hips_xy)
        self.parts: list[Square] = []

    def part(self, square: Square, side_px: int) -> Image:
        self.parts.append(square)
        return super().part(square, side_px)


def test_tiles_that_were_left_out_because_enough_people_were_found_are_searched_when_one_is_lost() -> None:
    """The picture of the tiles is the same later: whoever stands there was not searched for."""
    tiles = search_tiles(Scene().size_px, SMALLEST)
    scenes = [Noted((570, 180)), *(Noted() for _ in range(-(-len(tiles) // THOROUGH_TILES)))]
    frames, _ = followed(scenes, most=1)
    assert frames[0] and not any(frames[1:]) and not set(scenes[0].parts) & set(tiles)
    assert {square for scene in scenes[1:] for square in scene.parts} >= set(tiles)


def test_a_tile_that_was_left_out_under_somebody_large_is_searched_when_he_has_gone() -> None:
    tiles = search_tiles(Scene().size_px, SMALLEST)
    scenes = [Noted((300, 100)), *(Noted() for _ in range(-(-len(tiles) // THOROUGH_TILES)))]
    scenes[0].torso_px = 110.0
    frames, _ = followed(scenes)
    assert frames[0] and not any(frames[1:]) and not set(scenes[0].parts) >= set(tiles[:THOROUGH_TILES])
    assert {square for scene in scenes[1:] for square in scene.parts} >= set(tiles) - set(scenes[0].parts)


def test_people_are_the_same_where_a_frame_is_searched_beside_the_looks_at_the_next_one() -> None:
    """Of three, one is found later, in a tile; two pass one another, and one goes out and comes in again."""
    scenes = [
        Scene((100 + 5 * i, 90), (400 - 5 * i, 80), *([(550, 120)] if i in range(25, 50) or i > 70 else []))
        for i in range(120)
    ]
    expected, eyes = followed(scenes)
    assert len({track for people in expected for track in people}) > 3
    with ThreadPoolExecutor(4) as threads:

        def at_once(functions: Sequence[Callable[[], Result]]) -> list[Result]:
            return list(threads.map(lambda function: function(), functions))

        for ways in ({"later": True}, {"at_once": at_once}, {"later": True, "at_once": at_once}):
            frames, others = followed(scenes, **ways)
            assert frames == expected
            assert [eye.images for eye in others] == [eye.images for eye in eyes], "each looked at the same"


@pytest.mark.parametrize("torso_px", [6.0, TORSO_PX, 30.0])
def test_two_who_pass_one_another_keep_their_numbers(torso_px: float) -> None:
    scenes = [Scene((200 + 3 * i, 80), (300 - 3 * i, 80), torso_px=torso_px) for i in range(34)]
    frames, _ = followed(scenes)
    assert all(frames[i] == near({1: 200 + 3 * i, 2: 300 - 3 * i}) for i in range(34))


def test_who_is_behind_another_is_not_seen_and_keeps_the_number() -> None:
    """Between frames 14 and 20 the second one is behind the first, who stands lower in the picture."""
    behind = range(14, 20)
    scenes = [Scene((200 + 3 * i, 90), *([] if i in behind else [(300 - 3 * i, 80)])) for i in range(34)]
    frames, _ = followed(scenes)
    assert all(frames[i] == near({1: 200 + 3 * i}) for i in behind)
    assert all(frames[i] == near({1: 200 + 3 * i, 2: 300 - 3 * i}) for i in range(34) if i not in behind)


def test_a_fresh_look_does_not_take_the_one_in_front_for_who_is_behind() -> None:
    """The one in front is 3 px ahead of the straight way, 1 px beside the place where the hidden one is expected."""
    expected, straight, ahead = (figure((x, y), TORSO_PX) for x, y in ((252, 80), (248, 82), (251, 82)))
    for seen, found in ((True, False), (False, True)):
        slot, other = (TrackerSlot(OwnVisibility(Eye())) for _ in range(2))
        for follower, track, body in ((slot, 2, expected), (other, 1, straight)):
            window = FollowingWindow(body, 0.0)
            follower.begin(track, PoseEstimate(body, None), np.zeros(4), 0.0, whole=False, window=window)
        other.person = PoseEstimate(ahead, None) if seen else None
        away = Cover(1, (300.0, 0.0, 310.0, 10.0))
        assert slot.look_beside(Scene((251, 82)), STEP_S, [away], [other]) is found


def test_who_is_found_beside_a_cover_has_a_low_visibility() -> None:
    """In the last frame the hips of both are 10 px apart; the second one is behind, and more of that one is covered."""
    finder = PeopleTracker(Eye, 3, SMALLEST)
    frames = [finder(Scene((200 + 3 * i, 90), (300 - 3 * i, 80)), i * STEP_S) for i in range(16)]
    visibility = [[sighting.landmarks[0, 3] for sighting in people] for people in frames]
    assert visibility[5] == [1.0, 1.0] and 0 < visibility[15][1] < visibility[15][0] < 1


@pytest.mark.parametrize("torso_px", [6.0, TORSO_PX, 30.0])
def test_who_stops_dead_beside_another_is_seen_on_and_keeps_the_number(torso_px: float) -> None:
    """The second one comes from the left and stops at 0.3 heights from the first, who stands in front."""
    stop_x, step_px = 300 - 0.9 * torso_px, 0.15 * torso_px
    xs = [min(stop_x, stop_x + (i - 30) * step_px) for i in range(90)]
    frames, _ = followed([Scene((300, 80 + 0.3 * torso_px), (x, 80), torso_px=torso_px) for x in xs])
    front = min(frames[0], key=lambda track: abs(frames[0][track] - 300))
    assert all(people == near({front: 300, 3 - front: xs[i]}) for i, people in enumerate(frames))


@pytest.mark.parametrize("torso_px", [6.0, TORSO_PX, 30.0])
def test_who_is_lost_beside_another_is_seen_by_a_fresh_look(torso_px: float) -> None:
    """The estimator that follows the one behind sees nobody in five frames, while a third of a body is between both."""
    lost = range(28, 33)
    xs = [300 + (i - 50) * 0.05 * torso_px for i in range(45)]
    scenes = [
        Scene((300, 80 + 0.3 * torso_px), (x, 80), torso_px=torso_px, turning=i in lost) for i, x in enumerate(xs)
    ]
    frames, _ = followed(scenes)
    assert all(people == near({1: 300, 2: xs[i]}) for i, people in enumerate(frames))


def test_who_does_not_come_out_again_is_lost_and_the_one_in_front_keeps_the_number() -> None:
    """After a second the one behind is looked for without a cover, and the model sees the one in front."""
    scenes = [Scene((200 + 3 * i, 90), *([(300 - 3 * i, 80)] if i < 15 else [])) for i in range(60)]
    frames, _ = followed(scenes)
    assert all(people == near({1: 200 + 3 * (15 + i)}) for i, people in enumerate(frames[15:]))


def test_who_turns_in_front_of_another_keeps_the_number() -> None:
    """The one in front turns and goes the way of the one behind, who stays hidden at the same place."""
    xs = [300 - 3 * i if i < 16 else 252 + 3 * (i - 16) for i in range(40)]
    scenes = [Scene((x, 90), *([(200 + 3 * i, 80)] if i < 14 else [])) for i, x in enumerate(xs)]
    frames, _ = followed(scenes)
    front = next(track for track, x in frames[0].items() if abs(x - 300) < 1)
    assert all(people == near({front: xs[14 + i]}) for i, people in enumerate(frames[14:]))


def test_two_on_one_body_become_one_new_track() -> None:
    """Two go side by side from the start, so that none of them is covered. One of them disappears after a while."""
    scenes = [Scene((200 + 3 * i, 90), *([(210 + 3 * i, 80)] if i < 40 else [])) for i in range(60)]
    frames, _ = followed(scenes)
    assert frames[39] == near({1: 317, 2: 327})
    assert all(people == near({3: 200 + 3 * (40 + i)}) for i, people in enumerate(frames[40:]))


def test_painting_covers_the_people_and_nothing_else() -> None:
    rgb = Scene((100, 80), (400, 80)).whole()
    assert paint_over(rgb, []) is rgb
    painted = paint_over(rgb, boxes_of([figure((100, 80), TORSO_PX), figure((-500, 80), TORSO_PX)]))
    assert rgb[80, 100, 0] == 255 and painted[80, 100, 0] == PAINT_LEVEL
    assert painted[80, 400, 0] == rgb[80, 400, 0] and (painted == rgb)[:, 200:].all()
