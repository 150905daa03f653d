"""Tables, landmarks, masks and pictures as files."""
