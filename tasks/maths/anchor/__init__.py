"""The anchor: the one point of the body that is held still, in every frame."""
