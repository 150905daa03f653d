"""From a mask to a person cut out of the picture."""
