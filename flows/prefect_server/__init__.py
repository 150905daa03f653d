"""The Prefect server of a run: choice, start, access, what its pages show, cancellation."""
