"""The cache on disk: entries, keys, integrity, pruning."""
