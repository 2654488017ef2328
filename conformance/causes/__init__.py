"""What is wrong upstream: one cause each, with its script and, where there is one, its remedy."""
