"""The gait of a person from the landmarks of the legs: events, angles, and when neither applies."""
