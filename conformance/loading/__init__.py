"""Loading plain models from the checkpoints that users meet: no adapter, one promise an item."""
