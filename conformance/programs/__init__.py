"""Programs: sequences of operations on one model, beside a plain reference of what it computes."""
