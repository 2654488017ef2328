"""What a number in a model's config counts, by its name, and the largest that is believed.

Configs of 500 architectures name the same few things in some dozen ways. A name that is none of
these keeps its value where it is small.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

HIDDEN = ("hidden_size", "d_model", "n_embd", "dim", "embed_dim", "hidden_dim")
"""The width of a body, in the order they are looked for."""
HEADS = (
    "num_attention_heads",
    "n_head",
    "n_heads",
    "num_heads",
    "attention_heads",
    "encoder_attention_heads",
    "decoder_attention_heads",
)
KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "num_key_value_groups")
HEAD_DIM = ("head_dim", "d_kv", "kv_channels", "attention_head_size", "query_pre_attn_scalar")

KINDS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        kind: re.compile(rf"^(?:{pattern})$")
        for kind, pattern in {
            "layers": r"num_(hidden|encoder|decoder|transformer)?_?(hidden_)?layers|n_layers?"
            r"|(encoder|decoder)_layers|depth",
            "hidden": "|".join(HIDDEN),
            "heads": "|".join(HEADS),
            "kv": "|".join(KV_HEADS),
            "head_dim": "|".join(HEAD_DIM) + r"|(global|swa|qk|v|qk_nope|qk_rope)_head_dim",
            "vocab": r"(.*_)?vocab_size(_.*)?|num_embeddings",
            "positions": r"(original_)?max_(position_embeddings|(source|target)_positions|seq_len)"
            r"|original_max_position_embeddings|n_positions|n_ctx|seq_length",
            "window": r"sliding_window|attention_window(_size)?|window_size|attention_chunk_size",
            "experts": r"num_(local_)?experts|n_routed_experts|moe_num_experts",
            "chosen": r"num_experts_per_tok|top_k_experts|moe_top_?k|num_selected_experts",
            "groups": r"n_group|topk_group|num_groups|n_groups",
            "image": r"image_size",
            "patch": r"patch_size",
            "image_tokens": r"mm_tokens_per_image|num_image_tokens|image_seq_length|mm_tokens.*",
            "token": r".*_token_(id|index)|.*_token",
            "kept": r".*(theta|kernel_size|chunk_size|chunk_size_feed_forward|merge_size"
            r"|kernel|temporal_patch_size|num_mel_bins|base_freq|attention_every.*|group_size"
            r"|step|freq|frequency|pattern|interval|num_channels|in_channels|num_labels"
            r"|max_distance|num_buckets|bias_max|multiplier|max_length|min_length|num_beams)",
            "width": r".*_(size|dim|dims|rank|width|channels)|d_ff|n_inner|d_inner|.*ffn_dim"
            r"|width|ffn_hidden_size|.*intermediate.*",
            "count": r"(num|n)_.*",
        }.items()
    }
)
"""The first that matches decides."""

MOST: Mapping[str, int] = MappingProxyType(
    {
        "layers": 2**10,
        "hidden": 2**18,
        "heads": 2**12,
        "kv": 2**12,
        "head_dim": 2**14,
        "vocab": 2**24,
        "positions": 2**31,
        "window": 2**31,
        "experts": 2**14,
        "chosen": 2**10,
        "groups": 2**10,
        "image": 2**16,
        "patch": 2**12,
        "image_tokens": 2**16,
        "token": 2**24,
        "kept": 2**31,
        "width": 2**20,
        "count": 2**20,
        "": 2**31,
    }
)
"""The largest number of each kind that anybody published, with room to spare."""
LONGEST_LIST = 2**16


def kind_of(name: str) -> str:
    """What a setting of this name counts, or ``""``."""
    return next((kind for kind, pattern in KINDS.items() if pattern.match(name)), "")
