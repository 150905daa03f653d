"""Measure people in the picture: how the torso moves, and what clothes look like."""
