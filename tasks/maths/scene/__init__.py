"""The scene behind the people: how the camera moves against it, and where the person is held in the output."""
