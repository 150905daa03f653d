"""``report.html``: one file a video that opens without a network."""
