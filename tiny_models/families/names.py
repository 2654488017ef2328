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
        attention=("proj", "other_proj"),
        mlp=("head1", "head11"),  # subhead and embed_proj are never asked for by name
        # no name holds "lora_", nor begins with "default" or "weight": PEFT before 0.21 trains the
        # first as its own, and before 0.18 reads and writes the others under other names
        sizes=Sizes(fixed=TOKENS),
        tie_default=False,
        own=True,
    ),
)
