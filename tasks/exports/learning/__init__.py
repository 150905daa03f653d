"""Exports for machine learning: key points, masks, and data sets of pictures."""
