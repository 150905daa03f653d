"""Export ``rle``: the person's masks as run lengths in the format of the COCO data set."""

from pathlib import Path
from typing import Any

from tasks.exports.learning.coco import PERSON, coco_images
from tasks.exports.requests import ExportRequest
from tasks.media.files.masks_file import MaskState, read_masks
from tasks.media.files.tables import read_table, write_json
from tasks.media.matting.run_lengths import run_lengths
from tasks.records import Tick, read_clip


def write_rle(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``masks_rle.json``: an image for each frame, and an annotation where the person's mask is known.

    Masks are at the size of the source, cut at a probability of one half. ``measured`` is false for a mask that
    was copied from a neighbouring frame.
    """
    clip = read_clip(request.clip)
    width, height = clip.size_px
    annotations: list[dict[str, Any]] = []
    for frame, mask in enumerate(read_masks(request.file(request.masks, "masks.npz"))):
        tick(frame + 1)
        if mask.state is MaskState.nobody:
            continue
        runs = run_lengths(mask, clip.size_px)
        if runs.area_px:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": frame + 1,
                    "category_id": PERSON["id"],
                    "segmentation": {"size": [height, width], "counts": runs.counts},
                    "bbox": runs.box,
                    "area": runs.area_px,
                    "iscrowd": 0,
                    "measured": mask.state is MaskState.measured,
                }
            )
    times_s = read_table(request.clip.path("frames.parquet"))["time_s"]
    images = coco_images(clip, times_s)
    content = {"info": {"version": "1.0"}, "categories": [PERSON], "images": images, "annotations": annotations}
    write_json(folder / "masks_rle.json", content, indent=None)
    return {"frames": len(times_s), "annotations": len(annotations)}
