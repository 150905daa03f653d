"""Writing video files: encoders, sound, containers, the check of what was written."""
