"""The adapter a user has already trained: what can still be done with it, tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.core.observation import Observation, Snapshot, Trouble
from conformance.engine.naive_loader import read_as_config_says
from conformance.engine.snapshot import logits, snapshot
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import living
from conformance.kinds.lifecycle.run import Life
from conformance.kinds.user_config.advice import KEEPS_ADAPTER, RESCUES, Advice, verified
from conformance.kinds.user_config.configuration import Configuration
from conformance.kinds.user_config.model import own_head
from conformance.kinds.user_config.subject import OwnSubject
from conformance.upstream import calls
from tiny_models.compat import set_tie

BESIDE = (
    "do not merge: the adapter itself is right, so load base and adapter at each start "
    "(`PeftModel.from_pretrained`)"
)
UNTIED = (
    "untie, then merge: load the base, give its head a tensor of its own (`head.weight = "
    "torch.nn.Parameter(head.weight.detach().clone())`), set `tie_word_embeddings=False` in its "
    "config, load the adapter onto that, merge and save"
)


def rescued(found: Configuration, seen: Observation) -> Iterator[Advice]:
    """Advice for the adapter as it is, from its own life and from one more."""
    defined = "defined" not in seen.absent
    needs = KEEPS_ADAPTER if defined else INVARIANTS.having("lost_at", "adapter")
    beside = verified(BESIDE, seen, needs)
    if beside is not None:
        yield beside
    if found.case.lived.tied and "adapter" in seen.saved:
        untied = verified(UNTIED, merged_untied(found), RESCUES)
        if untied is not None:
            yield untied


def merged_untied(found: Configuration) -> Observation:
    """The adapter of a tied base, loaded onto an untied copy of it, merged, saved and loaded.

    ``trained`` is the original's: what comes out must compute the same.
    """
    with living(OwnSubject(found)) as life:
        before = len(life.troubles)
        with life.branch("untied"):
            _merge_untied(life)
        seen = life.observation()
        return replace(seen, troubles=tuple(life.troubles[before:]))


def _merge_untied(life: Life) -> None:
    for stage in ("merged", "reloaded", "read"):
        life.stages.pop(stage, None)
    with life.at("untied"):
        base = life.fresh_base()
        own_head(base)
        set_tie(base.config, tied=False)
        model = calls.load_adapter(
            base, str(life.folder / "adapter"), low_cpu_mem_usage=False, is_trainable=False
        )
        merged = calls.merge_and_unload(model, safe=False)
        life.stages["merged"] = snapshot(merged, life.inputs)
        life.saved["merged"] = life.save_merged(merged, "untied-merged")
        reloaded = life.reload("untied-merged")
        life.stages["reloaded"] = snapshot(reloaded, life.inputs)
        read = read_as_config_says(reloaded, life.saved["merged"], life.family, life.names)
        if isinstance(read, Trouble):
            life.troubles.append(read)
        else:
            life.stages["read"] = Snapshot(logits=logits(read, life.inputs))
