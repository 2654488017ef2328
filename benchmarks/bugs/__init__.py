"""The corpus of documented bugs: shown where it is broken and where it is fixed, and discovered."""
