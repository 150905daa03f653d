"""What moves from one picture to the next."""
