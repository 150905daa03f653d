"""Every setting of the program."""
