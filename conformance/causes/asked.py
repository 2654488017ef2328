"""What a case asks of PEFT, and what PEFT makes of the names in it.

The lists of a config hold names, and PEFT goes by them: it looks for ``embed_tokens`` and
``lm_head`` (EMBEDDING_LAYER_NAMES in its utils/constants), in one way when it checks ties, in
another when it saves. What follows from that is said here once, as its source has it.
"""

from __future__ import annotations

from typing import Any

from conformance.causes.architecture import (
    ALWAYS_TIED,
    BODY_BIAS,
    HEAD_BIAS,
    input_role,
    path_of,
    short,
)
from conformance.core.case import Case
from conformance.core.kind import AnyCase
from conformance.core.placements import LOOKED_FOR, MATRICES, PLACEMENTS, Placement
from conformance.kinds.programs.program import Program
from conformance.kinds.tuners.case import TunerCase
from tiny_models.families import FAMILIES
from tiny_models.spec import of_a_checkpoint

ROWS_OF = {
    "": (),
    "list": ("embedding",),
    "embedding": ("embedding",),
    "head": ("head",),
    "same": ("embedding", "head"),
    "different": ("embedding", "head"),
}
"""The roles whose rows trainable_token_indices names, by how it is given."""
IN_MODULES = ("LORA", "ADAMSS", "GLORA", "LILY", "LN_TUNING", "OFT", "OSF", "PEANUT", "PSOFT")
"""Tuners whose parameters stand in modules of their own, as the weight of a linear module does."""
LONG = 20
"""Names in target_modules from which on PEFT shortens the list."""
PLAIN = Case()


def field(case: AnyCase, name: str) -> Any:
    """A field of a lifecycle case; of another kind of case its simplest value.

    What another kind calls so, and is of another type, is not that field.
    """
    simplest = getattr(PLAIN, name)
    found = getattr(case, name, simplest)
    return found if type(found) is type(simplest) else simplest


def placements(case: Any) -> tuple[Placement, ...]:
    """Where the adapters of a case stand; a program may have several."""
    names = case.placements if isinstance(case, Program) else (getattr(case, "placement", ""),)
    return tuple(PLACEMENTS[name] for name in names if name in PLACEMENTS)


def targets(case: AnyCase) -> frozenset[str]:
    """The roles in target_modules, but for those of ``also``."""
    return frozenset(role for one in placements(case) for role in one.target)


def targets_too(case: AnyCase) -> frozenset[str]:
    """The roles in target_modules."""
    return targets(case) | frozenset(getattr(case, "also", ()))


def saves(case: AnyCase) -> frozenset[str]:
    """The roles in modules_to_save."""
    return frozenset(role for one in placements(case) for role in one.save)


def tokens(case: AnyCase) -> frozenset[str]:
    """The roles whose rows trainable_token_indices names."""
    return frozenset(role for one in placements(case) for role in ROWS_OF[one.tokens])


def tokens_as(case: AnyCase) -> frozenset[str]:
    """How trainable_token_indices is given."""
    return frozenset(one.tokens for one in placements(case) if one.tokens)


def tuner_kind(case: AnyCase) -> str:
    """What PEFT calls the tuner."""
    return case.what.kind if isinstance(case, TunerCase) else "LORA"


def from_a_checkpoint(case: AnyCase) -> bool:
    """Whether the base came of from_pretrained."""
    return of_a_checkpoint(field(case, "base"), field(case, "dtype"))


def looked_for(case: AnyCase, role: str) -> bool:
    """Whether PEFT knows what is in a role by its name."""
    return short(path_of(case, role)) in LOOKED_FOR


def seen_in(case: AnyCase) -> frozenset[str]:
    """Where BaseTuner._check_tied_modules finds such a name: it tries a regex on the bare name."""
    regex = field(case, "writing") == "regex"
    found = set()
    for one in placements(case):
        named = [role for role in one.target if role in MATRICES]
        if regex:  # and there a side's name is written with its owner's
            named = [role for role in named if role in ("embedding", "head")]
        if any(looked_for(case, role) for role in named):
            found.add("targets")
        if any(looked_for(case, role) for role in one.save):
            found.add("saves")
    return frozenset(found)


def rewrites(case: AnyCase) -> str:
    """The list that ensure_weight_tying rewrites: to the embedding's name, without what is tied."""
    tied = getattr(case, "tied", True) or case.family in ALWAYS_TIED
    seen = seen_in(case) if getattr(case, "ensure", False) and tied else frozenset()
    return "saves" if "saves" in seen else "targets" if "targets" in seen else ""


def seen_at_load(case: AnyCase) -> frozenset[str]:
    """The same as ``seen_in`` of the config that is saved."""
    rewritten = rewrites(case)
    if not rewritten:
        return seen_in(case)
    writing = field(case, "writing")
    mine, roles = input_role(case), targets(case) if rewritten == "targets" else saves(case)
    by_short_name = ("names",) if rewritten == "targets" else ("names", "regex", "all-linear")
    # of two names for one module the other is left
    twice = mine != "embedding" and mine in roles and writing in by_short_name
    regex = rewritten == "targets" and writing == "regex"
    kept = regex or twice or looked_for(case, "embedding")
    return seen_in(case) - (frozenset() if kept else {rewritten})


def base_in_file(case: AnyCase) -> bool:
    """As get_peft_model_state_dict decides; and what was saved for a head that is not wrapped."""
    wanted, writing = field(case, "save_embedding_layers"), field(case, "writing")
    roles, rewritten = targets(case), rewrites(case)
    ends = {role for role in roles & {"embedding", "head"} if looked_for(case, role)}
    if writing == "regex":
        targeted = any(looked_for(case, role) for role in roles & {*MATRICES})
    elif rewritten == "targets":  # the head is not named any more
        targeted = writing == "names" and "embedding" in ends
    else:
        whole = {role for role in ends if "." not in path_of(case, role)}
        targeted = bool(whole if writing == "paths" else ends)
    read = from_a_checkpoint(case)
    resized = field(case, "base") == "resized" or (field(case, "grown") and read)
    flat = FAMILIES[case.family].shape != "image-text"  # elsewhere vocab_size is a nested config's
    automatic = (targeted and not tokens(case)) or (resized and flat)
    # wrapper in wrapper
    tied_rows = input_role(case) in tokens(case) and getattr(case, "tied", True)
    twice = rewritten == "saves" or tied_rows
    wraps = not twice and bool(rewritten or roles & {input_role(case), "head"})
    written = (wanted == "yes" or (wanted == "auto" and automatic)) and (wraps or not targeted)
    return written or bool({"saves"} & seen_in(case) - seen_at_load(case))


def long_list(case: AnyCase) -> bool:
    """Whether target_modules is a list of so many names that PEFT shortens it.

    Where encoder and decoder attend, the decoder attends to the encoder as well.
    """
    family, wanted = FAMILIES[case.family], targets_too(case)
    two = family.shape in ("encoder-decoder", "speech")
    each = {"attention": 3 if two else 1, "mlp": 2 if two else 1}
    wanted = wanted | {"mlp"} if field(case, "excluded") else wanted
    found = sum(each[role] * len(family.roles[role]) for role in wanted & {*each})
    names = field(case, "layers") * found + len(wanted - {*each})
    return bool(field(case, "writing") == "paths" and names >= LONG)


def bare(case: AnyCase) -> bool:
    """Whether a parameter of the adapter stands in a ParameterDict, in no module of its own.

    Of LoRA's what stands on embeddings, and token rows; TinyLoRA casts its own otherwise.
    """
    kind = tuner_kind(case)
    if kind not in IN_MODULES:
        return kind != "TINYLORA"
    given = case.what.arguments if isinstance(case, TunerCase) else {}
    rows = tokens(case) or "trainable_token_indices" in given
    embeddings = targets(case) & {*MATRICES} - {"head"} or rewrites(case) == "targets"
    return bool(rows or (kind == "LORA" and embeddings))


def targets_a_bias(case: AnyCase) -> bool:
    """Whether a linear module that target_modules names has a bias."""
    every = {"mlp"} if field(case, "writing") == "all-linear" else set()
    roles = targets_too(case) | every
    body = roles & ({"attention"} if case.family == "qwen2" else {"attention", "mlp"})
    head = "head" in roles and case.family in HEAD_BIAS
    return bool(body and case.family in BODY_BIAS) or head
