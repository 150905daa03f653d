"""From a command line to its results: settings, the order of the stages, the terminal, the report, Prefect."""
