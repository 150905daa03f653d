"""From overrides to a checked configuration, and from any mistake in them to one line."""
