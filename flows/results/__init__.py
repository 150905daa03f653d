"""What a run leaves: deliverables, ``run.json``, the index of a batch or a sweep."""
