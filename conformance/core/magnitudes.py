"""How large the values of a trained adapter are; without torch, for those who write them down."""

from __future__ import annotations

# DELTA is the standard deviation of scaling x B A against that of the base's matrix: half. On an
# embedding, whose sum with positions other layers normalize, it is more where rounding is coarse.
DELTA = 0.5
DELTA_OF_EMBEDDING = {"float64": 0.5, "float32": 0.5, "float16": 1.0, "bfloat16": 1.0}
SIZES = {"saved": 0.2, "trainable_tokens_delta": 0.4, "lora_magnitude_vector": 0.2, "bias": 0.1}
WIDE = {"lora_A": -1, "lora_embedding_B": 0}
"""Which axis of a factor has the width of the layer."""
