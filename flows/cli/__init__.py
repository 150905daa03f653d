"""The command line: words, help, terminal, signals, the ``cache`` commands."""
