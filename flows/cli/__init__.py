"""The command line: help, terminal, signals, and the subcommands."""
