"""Pictures, sound and tables in files: the only PyAV and pyarrow."""
