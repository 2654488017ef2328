"""A diffusers pipeline as its user has it: saved, loaded, and its text encoder judged."""
