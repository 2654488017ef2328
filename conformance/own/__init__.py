"""A verdict for a user's own configuration: a model's config and an adapter's, lived tiny."""
