"""The promise that wrapping does what PEFT's weight-tying tables publish."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.finding import Finding
from conformance.core.observation import Observation, Snapshot, adapted_modules
from conformance.core.placements import ENDS, LOOKED_FOR
from conformance.core.tying_tables import Row, row_for, wrapped_roles
from conformance.kinds.lifecycle.checks.registry import INVARIANTS
from conformance.kinds.lifecycle.checks.warnings import announced

WRAPPERS = {"modules_to_save": "peft.ModulesToSaveWrapper"}
WRAPPERS["trainable_token_indices"] = "peft.TrainableTokensWrapper"  # noqa: S105  a field
LORA = ("peft.Linear", "peft.Embedding")


def _applies(seen: Observation) -> str | None:
    if "weight-tying tables" in seen.absent:
        return seen.absent["weight-tying tables"]
    if row_for(seen.case) is None:
        return "PEFT's tables have no row for this placement"
    if not seen.names:
        return "the base could not be made"
    members = [name.removesuffix(".weight").rpartition(".")[2] for name in seen.members]
    if tuple(members) != LOOKED_FOR:
        return f"PEFT's tables hold for two layers, named {' and '.join(LOOKED_FOR)}"
    return None


@INVARIANTS.check(
    "config-wraps-what-it-names",
    "LoRA stands on exactly the attention and mlp modules that the config names, and nothing else "
    "has an adapter but what holds the matrix.",
    source="PEFT documentation, target_modules, exclude_modules, modules_to_save",
    needs=("adapted",),
    of_lora_alone=True,
)
def config_wraps_what_it_names(seen: Observation) -> Iterator[Finding]:
    lora = adapted_modules(seen.stages["adapted"].weights, "lora_")
    body = lora - {name.removesuffix(".weight") for name in seen.members}
    for name in sorted(seen.targets - body):
        what = f"{name} is asked for and carries no LoRA"
        yield Finding("wrong-type", what, stage="adapted", subject=name)
    for name in sorted(body - seen.targets):
        what = f"{name} carries LoRA and is not asked for"
        yield Finding("wrong-type", what, stage="adapted", subject=name)
    members = {name.removesuffix(".weight") for name in seen.members}
    others = adapted_modules(seen.stages["adapted"].weights) - lora - members - seen.targets
    for name in () if _saves_more(seen, members) else sorted(others):
        what = f"{name} is saved or has tokens of its own, and is not asked for"
        yield Finding("wrong-type", what, stage="adapted", subject=name)


def _saves_more(seen: Observation, members: set[str]) -> bool:
    """Whether a user's config has other modules saved: which, its names alone do not tell.

    PEFT takes every module whose name ends so.
    """
    saves = seen.config_held.get("modules_to_save") or ()
    assert isinstance(saves, (list, set, tuple))
    return any(not any(f".{one}".endswith(f".{name}") for one in members) for name in saves)


def _one_adapter(found: Snapshot, embedding: str, head: str) -> bool:
    return any({embedding, head} <= adapted_modules(group) for group in found.shares)


@INVARIANTS.check(
    "adapter-takes-part",
    "Every module that carries an adapter is called when the model computes.",
    source="PEFT documentation, target_modules; measured on T5",
    needs=("adapted",),
)
def adapter_takes_part(seen: Observation) -> Iterator[Finding]:
    for name in sorted(seen.left_behind):
        what = f"{name} carries an adapter and no forward pass calls it"
        yield Finding("left-behind", what, stage="adapted", subject=seen.role(name))


@INVARIANTS.check(
    "documented-contract",
    "Wrapper types, tying, warnings and errors are those of PEFT's published tables.",
    source="PEFT documentation, Weight tying; #2864; of merging, #2018",
    applies=_applies,
    by_placement=True,
    of_lora_alone=True,
    judged_when_refused=True,
)
def documented_contract(seen: Observation) -> Iterator[Finding]:
    row = row_for(seen.case)
    assert row is not None
    found = seen.stages.get("adapted")
    if row.raises:
        if found is not None:
            yield _wrapped("missing-error", "wrapping is documented to raise, and did not")
        return
    if found is None:  # an error that is not documented is life-completes' to report
        return
    wrapped = wrapped_roles(seen.case, row)
    expected = (WRAPPERS[row.table],) if row.table in WRAPPERS else LORA
    for role in ENDS:
        kind = found.modules[seen.names[role]]
        if role in wrapped and kind not in expected:
            wanted = " or ".join(expected)
            yield _wrapped("wrong-type", f"the {role} is {kind}, documented is {wanted}", role)
        if role not in wrapped and kind.startswith("peft."):
            what = f"the {role} is {kind}, documented is no adapter on it"
            yield _wrapped("wrong-type", what, role)
    one = _one_adapter(found, seen.names["embedding"], seen.names["head"])
    if row.tied and not one:
        what = "the adapters of embedding and head are documented to be tied"
        yield _wrapped("lost-tie", what, "embedding", "head")
    if one and not row.tied:
        what = "the adapters of embedding and head are documented as separate"
        yield _wrapped("gained-tie", what, "embedding", "head")
    yield from _warned_otherwise(seen, row)


def _warned_otherwise(seen: Observation, row: Row) -> Iterator[Finding]:
    """Where wrapping, or merging LoRA on a tie, does not warn as documented."""
    told = [heard.brief for heard in seen.heard_at("adapted") if heard.about_tying]
    if row.warns and not told:
        what = "wrapping is documented to warn of the tie, and did not"
        yield _wrapped("missing-warning", what)
    if told and not row.warns:
        what = f"wrapping is documented without a warning, and warns: {told[0]}"
        yield _wrapped("false-report", what)
    merges = row.table == "target_modules" and row.base_tied and "merged" in seen.stages
    if merges and not announced(seen, "merged"):
        what = "merging LoRA on a tied layer is documented to warn of the tie, and did not"
        yield Finding("missing-warning", what, stage="merged")


def _wrapped(kind: str, what: str, *roles: str) -> Finding:
    return Finding(kind, what, stage="adapted", subject=", ".join(roles))
