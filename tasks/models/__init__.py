"""Networks behind one-method protocols: the only MediaPipe."""
