"""Models are run and facts recorded; nothing is judged."""
