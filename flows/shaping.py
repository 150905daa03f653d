"""The settings of a stage, with those that do not shape its result at their defaults: they are no part of its key."""

from dataclasses import replace

from conf.input import DecodeConf, MasksConf


def looking(decode: DecodeConf) -> DecodeConf:
    """The settings that shape what decoding finds: where frames are kept later does not."""
    return replace(decode, frames=DecodeConf.frames, memory_mb=DecodeConf.memory_mb)


def segmenting(masks: MasksConf) -> MasksConf:
    """The settings that shape the masks: what is made of them later re-runs no network."""
    return replace(masks, smoothing=MasksConf.smoothing, refine=MasksConf.refine)
