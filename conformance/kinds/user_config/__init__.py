"""A user's own model with a user's own adapter: shrunk, run, and answered in words."""
