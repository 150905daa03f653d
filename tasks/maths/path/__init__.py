"""The path of the picture: smoothing, window, framing, transforms."""
