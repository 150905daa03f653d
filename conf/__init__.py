"""All settings of the program: one file per subject, ``config.py`` joins them."""
