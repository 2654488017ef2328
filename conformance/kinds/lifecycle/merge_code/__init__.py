"""Code of other people that merges, in the place of PEFT's."""
