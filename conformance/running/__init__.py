"""Running: one collection, one cache, one judging loop and one failure text for every kind."""
