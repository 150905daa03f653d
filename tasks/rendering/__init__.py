"""The outputs of the render stage: one function each, called by ``tasks.render`` with the frames of the clip."""
