"""Results files: their JSON Schema (``schema.json``) and how they are read."""
