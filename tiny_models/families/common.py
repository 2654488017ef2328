"""What most families have in common: special tokens, two heads, no dropout, a gated body."""

from __future__ import annotations

from collections.abc import Mapping

from tiny_models.families.family import Plain

TOKENS: Mapping[str, Plain] = {"pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3}
"""Inside every vocabulary, and not 0: token 0 is to be an ordinary one."""

POSITIONS = 32

# Grouped queries (two heads on one key): a fused or transposed projection shows itself.
GROUPED: Mapping[str, Plain] = {
    **TOKENS,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": POSITIONS,
    "attention_dropout": 0.0,
}
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
GATED_MLP = ("gate_proj", "up_proj", "down_proj")
