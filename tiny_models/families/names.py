"""A model of our own, whose modules' names contain one another or PEFT's own words."""

from __future__ import annotations

from tiny_models.families.common import TOKENS
from tiny_models.families.family import Family, Sizes

NAMES = (
    Family(
        name="names",
        config="NamesConfig",
        model="NamesForCausalLM",
        embedding="embed",
        head="head",
        attention=("proj", "default_proj"),
        mlp=("head1", "weight_proj"),  # lora_head and embed_proj are never asked for by name
        sizes=Sizes(fixed=TOKENS),
        tie_default=False,
        own=True,
    ),
)
