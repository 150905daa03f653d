"""The demo: a drawn walker, whose true joint positions are known."""
