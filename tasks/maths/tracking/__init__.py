"""Who is who from frame to frame, and how the torso moves."""
