"""From a person mask to a person cut out of the picture."""
