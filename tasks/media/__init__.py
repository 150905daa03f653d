"""Pictures, sound and tables in files: the only PyAV, pyarrow and pandas."""
