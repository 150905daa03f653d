"""What others made is data: JSON files are read with limits, and text from names and tags stays text."""
