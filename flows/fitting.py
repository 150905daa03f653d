"""Whether the video files that are asked for can hold pictures of the size that a video's will have."""

from collections.abc import Iterator

from conf.choices import AlphaFile, Background, ComparisonLayout, Crop, Output, SweepRender, VideoCodec
from conf.schema import Config
from flows.output_needs import background_of, stabilized_wanted
from tasks.errors import SettingError

Size = tuple[int, int]


def depends_on_size(config: Config) -> bool:
    """Whether a file is asked for that does not hold pictures of every size."""
    rendered = config.sweep.render is not SweepRender.none
    return rendered and (_alpha_in_mov(config) or config.encode.codec is not VideoCodec.x264)


def check_files(config: Config, source_px: Size, pixel_aspect: float) -> None:
    """``SettingError`` for a file that cannot hold the pictures that a video of ``source_px`` becomes.

    How large a crop makes them that depends on the motion is not known yet: only that it makes their width even, and
    with crop=auto no larger.
    """
    from tasks.maths.path import window

    crop = config.crop
    if crop.mode is Crop.expand:
        return
    window_px = None if crop.window is None else (crop.window[2], crop.window[3])
    size_px = window_px or window.stabilized_size(source_px, crop, pixel_aspect)
    if _alpha_in_mov(config) and crop.mode is not Crop.auto:
        _check_alpha(config, size_px)
    if config.encode.codec is not VideoCodec.x264:
        _check_encoder(config, source_px, size_px)


def _check_alpha(config: Config, size_px: Size) -> None:
    from tasks.media.output import alpha_writer

    other = "an even width in crop.window" if config.crop.mode is Crop.fixed else "an even crop.size"
    if fact := alpha_writer.odd_width_fault("mov", size_px):
        raise SettingError(f"background.alpha: {fact}; choose background.alpha=webm or png, or {other}")


def _check_encoder(config: Config, source_px: Size, size_px: Size) -> None:
    from tasks.media.output import encoders

    encoder = encoders.ENCODERS[config.encode.codec.value]
    for width, height in _encoded(config, source_px, size_px):
        rounded = width + width % 2, height  # as files of less colour than 4:4:4 have it
        if fact := encoders.narrow_width_fault(encoder, rounded):
            larger = f", or a larger {'width in crop.window' if config.crop.mode is Crop.fixed else 'crop.size'}"
            cropped = (width, height) == size_px != source_px
            raise SettingError(f"encode: {fact}; choose encode=x264{larger if cropped else ''}")


def _alpha_in_mov(config: Config) -> bool:
    person = background_of(config, Output.person) if Output.person in config.outputs else None
    return person is not None and person.mode is Background.transparent and person.alpha is AlphaFile.mov


def _encoded(config: Config, source_px: Size, size_px: Size) -> Iterator[Size]:
    """Sizes of the pictures that the encoder of the settings gets."""
    person = background_of(config, Output.person)
    clear = person is not None and person.mode is Background.transparent
    own = (Output.person in config.outputs and not clear) or Output.overlay in config.outputs
    if own or stabilized_wanted(config):
        yield size_px
    if Output.comparison in config.outputs and config.crop.mode is not Crop.auto:
        from tasks.media.planes.compose import panes_side_by_side, panes_stacked

        vertical = config.comparison.layout is ComparisonLayout.vertical
        arrange = panes_stacked if vertical else panes_side_by_side
        yield arrange(source_px, size_px, config.comparison.max_width).size_px
