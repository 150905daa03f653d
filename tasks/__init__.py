"""The stages, one file each, and the layers below them."""
