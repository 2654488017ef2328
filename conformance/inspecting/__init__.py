"""A checkpoint that exists already: does its config agree with its tensors? Nothing is loaded."""
