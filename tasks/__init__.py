"""The stages: decode, pose, masks, offsets, trajectory, render; one file each, and the layers below them."""
