"""Numbers in, numbers out: numpy and scipy only, no file, clock or setting."""
