"""Programs: sequences of operations on one model, compared with a reference after each."""
