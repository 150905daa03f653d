"""Pictures as planes of their own pixel format: moved, cut, drawn on."""
