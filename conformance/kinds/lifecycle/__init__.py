"""The lifecycle: one adapter on one model, from how the base came to be to the reload."""
