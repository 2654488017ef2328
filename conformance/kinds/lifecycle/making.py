"""How a case of a stratum is made: valid by construction, simplest choice first.

Nothing here knows of installed versions, so that every environment judges the same cases, nor who
chooses: Hypothesis, or the plan of a run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.core.case import CHOICES, SEEDS, Case, body_roles
from conformance.core.covering import Pick
from conformance.core.documented_errors import STATE_SPACES
from conformance.core.grid import Stratum, fitting
from conformance.core.placements import PLACEMENTS
from tiny_models.families import FAMILIES
from tiny_models.spec import bases, ties_more

# Common choices are repeated so that most lives stay ordinary: the rare ones meet each other
# often enough over a whole grid.
WEIGHTED: dict[str, tuple[Any, ...]] = {
    "layers": (1, 1, 1, 2),
    "dtype": ("float32",) * 4 + ("bfloat16", "bfloat16", "float16", "float64"),
    "hidden": (16, 16, 16, 32),
    "vocab": (24, 24, 24, 40),
    "reload_dtype": ("same",) * 6 + ("float32", "bfloat16"),
    "dora": (False, False, False, True),
    "bias": ("none",) * 6 + ("lora_only", "all"),
    "excluded": (False, False, False, True),
    "autocast": (True, True, False),
    "sharded": (False, False, False, True),
    "save_embedding_layers": ("auto", "auto", "auto", "yes", "no"),
}

OVERFLOWING = frozenset({*STATE_SPACES, "longt5"})
"""Families whose gradients in float16 leave nothing to judge, without any adapter: that of a scan
can overflow, and LongT5 masks padded blocks with -1e10, which float16 takes for infinity."""


def _may_grow(stratum: Stratum, family: str) -> bool:
    return stratum.placement == "body" and (stratum.tied or not ties_more(family))


def make(stratum: Stratum, families: tuple[str, ...], choose: Pick, /) -> Case:
    """A case of one stratum over those of the given families that fit it, at least one."""
    placement = PLACEMENTS[stratum.placement]

    def pick(name: str, allowed: tuple[Any, ...] | None = None) -> Any:
        choices = WEIGHTED.get(name, CHOICES[name])
        if allowed is not None:
            choices = tuple(choice for choice in choices if choice in allowed)
        return choose(choices)

    family = choose(fitting(stratum, families))
    layers = pick("layers")
    # once resized, the sides of some have no module of their own
    ways = bases(family, tied=stratum.tied)
    base = pick("base", ways[:2] if placement.sides else ways)
    known = FAMILIES[family]
    dtype = pick("dtype", tuple(d for d in CHOICES["dtype"] if d not in known.without_dtypes))
    hidden, vocab = pick("hidden"), pick("vocab")
    has = body_roles(family)
    # cut to what the family has only after drawing: a choice that moved to another place in the
    # list would keep a failing case from shrinking to another family
    also = tuple(role for role in pick("also") if role in has)
    excluded = pick("excluded", None if len(has) > 1 and "mlp" not in also else (False,))
    all_linear = placement.body_only and "mlp" in has
    writing = pick("writing", None if all_linear else ("names", "paths", "regex"))
    rank, alpha = pick("rank"), pick("alpha")
    rslora, dora, bias, autocast = pick("rslora"), pick("dora"), pick("bias"), pick("autocast")
    tokens = pick("tokens", None if placement.tokens else ((0,),))
    # AdamW divides by sqrt(v) + 1e-8, and both underflow to zero in float16.
    training = pick("training", ("values", "sgd") if dtype == "float16" else None)
    if family in OVERFLOWING and dtype == "float16":
        training = "values"
    case = Case(
        device=stratum.device,
        tied=stratum.tied,
        ensure=stratum.ensure,
        placement=stratum.placement,
        family=family,
        layers=layers,
        base=base,
        dtype=dtype,
        hidden=hidden,
        vocab=vocab,
        also=also,
        excluded=excluded,
        writing=writing,
        rank=rank,
        alpha=alpha,
        rslora=rslora,
        dora=dora,
        bias=bias,
        autocast=autocast,
        tokens=tokens,
        training=training,
        grown=pick("grown", None if _may_grow(stratum, family) else (False,)),
        safe_merge=pick("safe_merge"),
        loader=pick("loader"),
        sharded=pick("sharded"),
        reload_dtype=pick("reload_dtype"),
        low_cpu_mem_usage=pick("low_cpu_mem_usage"),
        is_trainable=pick("is_trainable"),
        save_embedding_layers=pick("save_embedding_layers"),
        seed=choose(SEEDS),
    )
    if stratum.device == "cpu":
        return case
    # read off the seed: a draw of its own would give this device other cases than the cpu
    crossings = CHOICES["crossing"]
    return replace(case, crossing=crossings[case.seed % len(crossings)])
