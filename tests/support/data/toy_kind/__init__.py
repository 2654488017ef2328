"""A toy: numbers, which are small."""
