"""Exports for video editors: the move of the picture as keyframes."""
