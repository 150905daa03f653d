"""Mirrors the source; ``conftest`` holds what all share."""
