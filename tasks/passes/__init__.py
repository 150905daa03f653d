"""One pass over a clip for several stages that do not know each other."""
