"""Promises about taking the adapter off."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.comparison import Evidence
from conformance.core.finding import Finding
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks.logits import changed_weights, differ
from conformance.kinds.lifecycle.checks.registry import INVARIANTS


@INVARIANTS.check(
    "unload-restores-base",
    "unload gives back base logits, weights, tie and module types.",
    source="PEFT unload",
    needs=("base", "unloaded"),
    applies=lambda seen: (
        None if seen.case.bias == "none" else "trained biases are part of the base modules"
    ),
)
def unload_restores_base(seen: Observation) -> Iterator[Evidence]:
    yield from differ(seen, "base", "unloaded")
    yield from changed_weights(seen, "base", "unloaded")
    base, unloaded = seen.stages["base"], seen.stages["unloaded"]
    for name in sorted({*base.modules, *unloaded.modules}):
        one, other = base.modules.get(name), unloaded.modules.get(name)
        if one != other:
            what = f"{name} was {one} and is {other} after unload"
            yield Finding("wrong-type", what, stage="unloaded", subject=seen.role(name))
    for name in sorted(base.weights.keys() ^ unloaded.weights.keys()):
        what = f"{name} is a parameter of only one of base and unloaded"
        yield Finding("extra-key", what, stage="unloaded", subject=seen.subject(name))
    if base.flags != unloaded.flags:
        now, was = dict(unloaded.flags), dict(base.flags)
        what = f"the tie flags were {was} and are {now} after unload"
        changed = [path for path in (was | now) if was.get(path) != now.get(path)]
        yield Finding("wrong-flag", what, stage="unloaded", subject=", ".join(changed))
    if base.shares != unloaded.shares:
        different = base.shares ^ unloaded.shares
        groups = "; ".join(", ".join(sorted(group)) for group in different)
        subject = seen.subject(*sorted(frozenset().union(*different)))
        what = f"only one of base and unloaded ties {groups}"
        yield Finding("lost-tie", what, stage="unloaded", subject=subject)


@INVARIANTS.check(
    "unload-leaves-no-trace",
    "After merging or unloading no PEFT module, attribute, hook or changed setting remains.",
    source="PEFT #3025",
    needs=("base", "merged"),
    not_of_merge="another merger's model was loaded from its folder, not unloaded",
)
def unload_leaves_no_trace(seen: Observation) -> Iterator[Finding]:
    for stage in ("merged", "merged-otherwise", "unloaded"):
        found = seen.stages.get(stage)
        if found is None:
            continue
        for trace in sorted(found.traces):
            yield Finding("left-behind", f"at {stage}: {trace}", stage=stage, subject=trace)
        base = seen.stages["base"].settings
        for key in sorted({*base, *found.settings}):
            was, now = base.get(key), found.settings.get(key)
            if was != now:
                what = f"at {stage}: {key} was {was} and is {now}"
                yield Finding("left-behind", what, stage=stage, subject=key)
