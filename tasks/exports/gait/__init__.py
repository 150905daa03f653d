"""Exports for gait laboratories: events and figures, joint angles, markers."""
