"""The scene behind the people: camera motion, clean plates, and the border that shows what other frames saw."""
