"""The Prefect server of a run: which one, what it shows, how it cancels."""
