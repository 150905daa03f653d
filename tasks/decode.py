"""The decode stage: write what the file is and when each frame is shown."""

from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from tasks.errors import counted
from tasks.media.files.tables import write_json, write_table
from tasks.media.input.frame_cache import decoded_bytes
from tasks.media.input.packet_table import clip_from_packets
from tasks.media.input.probe import scan_video, trimmed
from tasks.media.planes.layout import stores_alpha
from tasks.records import Clip, Tick
from tasks.requests import DecodeRequest

MOST_ROUNDED_S: Final = 0.5  # a length that is typed may be rounded up


def decode(request: DecodeRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``clip.json`` and ``frames.parquet``; facts for the summary.

    The file's packets tell them where they can, and the pose stage confirms it while it decodes. Of a part of a file,
    with ``decode.strict`` and with ``request.by_decoding`` the whole file is decoded: the first pass over a part does
    not see the damage behind it. ``VideoError`` when nothing can be decoded, or with ``decode.strict`` when the file
    ends early or lacks frames.
    """
    strict, found = request.settings.strict, None
    if request.part.whole and not strict and not request.by_decoding:
        found = clip_from_packets(request.source, request.digest)
        if found is not None:
            tick(found[0].frames)
    clip, table = found or scan_video(request.source, request.digest, tick, strict=strict)
    notes_of_part = notes_of_end(clip.duration_s, request.part.to_s)
    if not request.part.whole:
        clip, table = trimmed(request.source, clip, table, request.part.from_s or 0.0, request.part.to_s)
    write_json(folder / "clip.json", asdict(clip))
    write_table(folder / "frames.parquet", table.columns(clip))
    return {
        "frames": clip.frames,
        "frames_declared": clip.frames_declared,
        "size_px": list(clip.size_px),
        "rate_hz": clip.rate_hz,
        "variable_rate": clip.variable_rate,
        "duration_s": clip.duration_s,
        "sound_tracks": len(clip.sound),
        "broken": clip.broken,
        "memory_mb": round(decoded_bytes(clip) / 1_000_000),
        "notes": notes_of_part + _notes(clip),
    }


def notes_of_end(duration_s: float, to_s: float | None) -> list[str]:
    """A note where the end that is asked for lies behind the last frame of a file, which lasts ``duration_s``."""
    if to_s is None or to_s <= duration_s + MOST_ROUNDED_S:
        return []
    return [f"clip.to: the file ends at {duration_s:.2f} s, before {to_s:g} s: all frames to its end are used"]


def _hz(rate_hz: str) -> str:
    return f"{float(Fraction(rate_hz)):.4g}"


def _notes(clip: Clip) -> list[str]:
    """What the user should know about the file, one line each."""
    notes = []
    if clip.missing:
        fact = "the file is damaged there, and the previous frame is repeated"
        notes.append(f"{clip.missing}: {fact}; copy or download it again")
    if clip.dolby_vision.partition(".")[0] == "5":
        fact = "the colours are Dolby Vision profile 5, which is not converted: they come out green and violet"
        notes.append(f"{fact}; export the video as HDR10, HLG or SDR first")
    elif clip.dolby_vision:
        fact = f"the file has Dolby Vision (profile {clip.dolby_vision})"
        notes.append(f"{fact}: the picture below it, which all players show, is used, and the addition is left out")
    if (
        clip.stores_opacity or stores_alpha(clip.pixel_format)
    ) and clip.codec != "gif":  # FFmpeg reports alpha for every GIF
        notes.append("the video is partly transparent: its alpha channel is ignored; put it on a background first")
    if clip.slowed != 1:
        times = f"{clip.slowed:.3g} times slower" if clip.slowed > 1 else f"{1 / clip.slowed:.3g} times faster"
        fact = f"filmed at {_hz(clip.capture_rate_hz)} frames a second and played at {_hz(clip.rate_hz)}: {times}"
        notes.append(f"{fact} than in reality; exports of the gait are in real seconds (clip.time=played: the file's)")
    if clip.interlaced:
        fact = f"the picture is interlaced ({clip.interlaced} of {counted(clip.frames, 'frame')})"
        cure = "deinterlace it first, such as with ffmpeg -vf bwdif"
        notes.append(f"{fact}: both fields are moved together, which mixes them; {cure}")
    return notes
