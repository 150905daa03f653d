"""The planes of a picture in its own pixel format: layout, movement, borders, drawing, composition."""
