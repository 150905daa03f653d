"""The order of things: the flow, the command line, what the terminal shows."""
