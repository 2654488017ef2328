"""Mixtures of experts, state-space models, and both attention and state space.

Every expert is selected: with fewer, a rounding error of the router can pick another expert, the
logits jump, and every comparison within an allowance would raise false alarms.
"""

from __future__ import annotations

from tiny_models.families.common import ATTENTION, GATED_MLP, GROUPED, TOKENS
from tiny_models.families.family import Family, Sizes

# The grouped matrix multiplication of experts takes float32, bfloat16 and float16 only.
_NOT_GROUPED = ("float64",)

OTHERS = (
    Family(
        name="mixtral",
        config="MixtralConfig",
        model="MixtralForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=(),  # experts are bare parameters on transformers 5
        sizes=Sizes(
            scaled={"intermediate_size": 1},
            fixed={**GROUPED, "num_local_experts": 2, "num_experts_per_tok": 2},
        ),
        tie_default=False,
        without_dtypes=_NOT_GROUPED,
    ),
    Family(
        name="qwen3-moe",
        config="Qwen3MoeConfig",
        model="Qwen3MoeForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=(),  # experts are bare parameters on transformers 5
        sizes=Sizes(
            scaled={"intermediate_size": 2, "moe_intermediate_size": 1, "head_dim": 0.5},
            fixed={**GROUPED, "num_experts": 2, "num_experts_per_tok": 2},
        ),
        tie_default=False,
        without_dtypes=_NOT_GROUPED,
    ),
    Family(
        name="mamba",
        config="MambaConfig",
        model="MambaForCausalLM",
        embedding="backbone.embeddings",
        head="lm_head",
        attention=(),
        # The mixer reads dt_proj's weight and never calls the module; out_proj's is read by the
        # fused kernels, where there are any. An adapter on either would be passed by.
        mlp=("in_proj", "x_proj"),
        sizes=Sizes(fixed={**TOKENS, "state_size": 4, "conv_kernel": 4, "expand": 2}),
        tie_default=True,
    ),
    Family(
        name="falcon-h1",  # attention and a state space side by side in every layer
        config="FalconH1Config",
        model="FalconH1ForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=(*GATED_MLP, "in_proj"),  # the mixer's out_proj is read by fused kernels, as Mamba's
        sizes=Sizes(
            scaled={"intermediate_size": 2, "mamba_d_ssm": 1, "mamba_d_head": 0.5},
            fixed={
                **GROUPED,
                "mamba_n_heads": 2,
                "mamba_d_state": 4,
                "mamba_chunk_size": 8,
                # the real ones scale both ends, and not by the root of anything
                "embedding_multiplier": 1.5,
                "lm_head_multiplier": 0.75,
            },
        ),
        tie_default=False,
    ),
)
