"""The drawn walker: a video whose true joints are known."""
