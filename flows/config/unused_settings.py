"""Settings that have no effect beside the others. They get their defaults, so that they make no file again."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, Final, NamedTuple

from conf.config import Config
from conf.enums import AwayMode, BackgroundMode, BorderMode, Export, FrameMode, Output, Runner, Smoother
from flows.graph.export_needs import SCALED_EXPORTS, TIMED_EXPORTS, wanted_exports

WINDOWED: Final = (Smoother.moving, Smoother.gaussian, Smoother.savgol)


@dataclass(frozen=True)
class Rule:
    """When a setting has an effect, and the setting that decides it."""

    name: str
    decided_by: str
    is_used: Callable[[Config], bool]


RULES: Final = (
    Rule("smoothing.window", "smoothing.kind", lambda config: config.smoothing.kind in WINDOWED),
    Rule("smoothing.window", "smoothing.window_s", lambda config: config.smoothing.window_s is None),
    Rule("smoothing.window_s", "smoothing.kind", lambda config: config.smoothing.kind in WINDOWED),
    Rule(
        "smoothing.cutoff_hz",
        "smoothing.kind",
        lambda config: config.smoothing.kind in (Smoother.butterworth, Smoother.kalman),
    ),
    Rule(
        "smoothing.order",
        "smoothing.kind",
        lambda config: config.smoothing.kind in (Smoother.savgol, Smoother.butterworth),
    ),
    Rule("smoothing.budget_px", "smoothing.kind", lambda config: config.smoothing.kind is Smoother.l1),
    Rule("anchor.interpolate", "anchor.fusion", lambda config: not config.anchor.fusion),
    Rule("anchor.crossover_hz", "anchor.fusion", lambda config: config.anchor.fusion),
    Rule("anchor.trust_s", "anchor.fusion", lambda config: config.anchor.fusion),
    Rule("anchor.ease_s", "anchor.away", lambda config: config.anchor.away is not AwayMode.cut),
    Rule("crop.shared", "crop.output", lambda config: config.crop.output is None),
    Rule("border.color", "border.mode", lambda config: config.border.mode is BorderMode.constant),
    Rule(
        "background.color",
        "background.mode",  # where person.mp4 does not get the background, it gets the colour
        lambda config: config.background.mode is BackgroundMode.color or Output.person not in config.background.on,
    ),
    Rule("background.blur_px", "background.mode", lambda config: config.background.mode is BackgroundMode.blur),
    Rule("background.alpha", "background.mode", lambda config: config.background.mode is BackgroundMode.transparent),
    Rule("subject.rule", "subject.point", lambda config: config.subject.point is None),
    Rule("scale.height_m", "exports", lambda config: bool(set(SCALED_EXPORTS) & set(wanted_exports(config)))),
    Rule("scale.px_per_m", "exports", lambda config: bool(set(SCALED_EXPORTS) & set(wanted_exports(config)))),
    Rule("clip.time", "exports", lambda config: bool(set(TIMED_EXPORTS) & set(wanted_exports(config)))),
    Rule("dataset.shard_samples", "exports", lambda config: Export.webdataset in config.exports),
    Rule("dataset.picture", "exports", lambda config: Export.webdataset in config.exports),
    Rule("overlay.numbers", "outputs", lambda config: Output.overlay in config.outputs),
    Rule("subject.rule", "subject.person", lambda config: config.subject.person is None),
    Rule("runner.address", "runner.kind", lambda config: config.runner.kind is Runner.dask),
    Rule("runner.paths", "runner.kind", lambda config: config.runner.kind is Runner.dask),
    Rule("decode.memory_mb", "decode.frames", lambda config: config.decode.frames is FrameMode.memory),
)


class Unused(NamedTuple):
    """A setting that had a value without an effect: the setting that decides that, and a line that says so."""

    decided_by: str
    line: str


def reset_unused(config: Config) -> dict[str, Unused]:
    """Give every setting without an effect its default value. Returns those that had another, by name."""
    default = Config()
    unused = {}
    for rule in RULES:
        if rule.is_used(config):
            continue
        section, _, name = rule.name.partition(".")
        given, usual = (getattr(getattr(one, section), name) for one in (config, default))
        if given != usual:
            setattr(getattr(config, section), name, usual)
            decider = f"{rule.decided_by}={_text(attrgetter(rule.decided_by)(config))}"
            line = f"{rule.name} has no effect with {decider}; leave it out"
            unused[rule.name] = Unused(rule.decided_by, line)
    return unused


def _text(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return str(value).replace(" ", "")
