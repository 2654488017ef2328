"""A corpus: what one cell saved, with what it must come to in any other cell that loads it."""
