"""One decoding of a clip for several stages, which do not import each other."""
