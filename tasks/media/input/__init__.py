"""Reading video files: probing, decoding, timestamps."""
