"""Loading plain models from checkpoints of every form; no adapter is involved."""
