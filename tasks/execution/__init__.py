"""How a request becomes a Prefect task, where it is computed, and how it tells of its progress."""
