"""Promises about configs: what they say of the tie is what the weights are."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import same_bits
from conformance.core.finding import Finding
from conformance.core.observation import Observation, Saved
from conformance.kinds.lifecycle.checks.registry import INVARIANTS
from tiny_models.families import FAMILIES


@INVARIANTS.check(
    "config-tells-the-truth",
    "Every tie_word_embeddings, in memory and saved, agrees with the weights.",
    source="PEFT #2972, transformers #45127",
    needs=("base", "adapted", "merged"),
    decides="config",
    lost_at="config",
    of_merge=True,
    scriptable=True,
)
def config_tells_the_truth(seen: Observation) -> Iterator[Finding]:
    undecided = _undecided(seen)
    for stage in (
        "base",
        "adapted",
        "trained",
        "merged",
        "merged-otherwise",
        "reloaded",
    ):
        found = seen.stages.get(stage)
        if found is None:
            continue
        tied = seen.tied_at(found)
        for path, flag in found.flags.items():
            if bool(flag) != tied and path not in undecided:
                state = "one tensor" if tied else "two tensors"
                what = f"at {stage}, {path} is {flag} but the weights are {state}"
                yield Finding("wrong-flag", what, stage=stage, subject=path)
    loaded = seen.stages.get("adapter-reloaded")
    if loaded is not None and loaded.flags != seen.stages["base"].flags:
        was, now = dict(seen.stages["base"].flags), dict(loaded.flags)
        what = f"loading the adapter changed the base's {was} to {now}"
        changed = [path for path in (was | now) if was.get(path) != now.get(path)]
        subject = ", ".join(changed)
        yield Finding("wrong-flag", what, stage="adapter-reloaded", subject=subject)
    if "merged" in seen.saved and "head" in seen.names:
        yield from _in_the_file(seen, seen.saved["merged"], undecided)


def _undecided(seen: Observation) -> tuple[str, ...]:
    """The flag that decides nothing, since a config inside has the family's alone."""
    entry = FAMILIES.get(seen.case.family)
    return ("tie_word_embeddings",) if entry is not None and entry.tie_in else ()


def _in_the_file(seen: Observation, saved: Saved, undecided: tuple[str, ...]) -> Iterator[Finding]:
    embedding = saved.tensors.get(seen.names["embedding-in-file"])
    head = saved.tensors.get(seen.names["head-in-file"])
    for path, flag in saved.flags.items():
        if path in undecided:
            continue
        if flag and head is not None and embedding is not None and not same_bits(embedding, head):
            what = f"saved {path} is {flag} but the file holds two different tensors"
            yield Finding("wrong-flag", what, stage="saved", subject=path)
        if flag is False and head is None:
            what = f"saved {path} is {flag} but the file holds no head"
            yield Finding("wrong-flag", what, stage="saved", subject=path)


# PEFT fills these in for its own bookkeeping, and documents that it does.
BOOKKEEPING = {"base_model_name_or_path", "inference_mode", "auto_mapping", "peft_version"}


@INVARIANTS.check(
    "caller-config-is-untouched",
    "The caller's config object and lists are as they were.",
    source="measured: lists are changed in place from PEFT 0.19 on",
    needs=("adapted",),
)
def caller_config_is_untouched(seen: Observation) -> Iterator[Finding]:
    before, after = seen.config_before, seen.config_after
    passed, left = before["lists passed"], after["lists passed"]
    assert isinstance(passed, dict)
    assert isinstance(left, dict)
    for field in passed:
        if passed[field] != left[field]:
            what = f"the list {field} was {passed[field]} and is {left[field]}"
            yield Finding("changed-input", what, stage="adapted", subject=field)
    for field in sorted({*before, *after} - BOOKKEEPING - {"lists passed"}):
        one, other = _plain(before.get(field)), _plain(after.get(field))
        if one != other:
            what = f"config.{field} was {one} and is {other}"
            yield Finding("changed-input", what, stage="adapted", subject=field)


def _plain(value: object) -> object:
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else value


@INVARIANTS.check(
    "saved-config-says-what-was-trained",
    "adapter_config.json is the config that the model was wrapped with, ready for inference.",
    source="PEFT save_pretrained",
    needs=("base", "adapted", "file adapter"),
)
def saved_config_says_what_was_trained(seen: Observation) -> Iterator[Finding]:
    wrapped, saved = seen.config_held, seen.saved["adapter"].config
    for field in sorted(wrapped.keys() & saved.keys() - BOOKKEEPING):
        mine, theirs = _as_json(wrapped[field]), _as_json(saved[field])
        if mine != theirs:
            yield _saved(field, f"config.{field} was {mine} and is saved as {theirs}")
    if saved["inference_mode"] is not True:
        yield _saved("inference_mode", f"inference_mode is saved as {saved['inference_mode']}")
    if "auto_mapping" in saved:  # came with 0.4
        yield from _loaded_by_itself(seen, saved["auto_mapping"])


def _loaded_by_itself(seen: Observation, found: object) -> Iterator[Finding]:
    """A config without a task names the class of its base: ``AutoPeftModel`` has nothing else."""
    package, _, name = seen.stages["base"].modules[""].partition(".")
    if seen.saved["adapter"].config["task_type"] is not None:
        if found is not None:
            yield _saved("auto_mapping", f"auto_mapping is {found} beside a task")
    elif not isinstance(found, dict):
        what = f"auto_mapping is {found}, and no task says what to load"
        yield _saved("auto_mapping", what)
    elif found["base_model_class"] != name or not found["parent_library"].startswith(package):
        yield _saved("auto_mapping", f"auto_mapping is {found}, of a {package} {name}")


def _saved(field: str, what: str) -> Finding:
    return Finding("wrong-flag", what, stage="adapter-saved", subject=field)


def _as_json(value: object) -> object:
    """A value as a file has it; the order of a set says nothing."""
    if isinstance(value, (set, frozenset, list, tuple)):
        return sorted((_as_json(one) for one in value), key=str)
    if isinstance(value, dict):
        return {str(key): _as_json(one) for key, one in value.items()}
    return getattr(value, "value", value)


@INVARIANTS.check(
    "adapter-config-round-trips",
    "The saved adapter config wraps a fresh base to the same modules, ties and trainable set.",
    source="PEFT save_pretrained",
    needs=("adapted", "rewrapped"),
)
def adapter_config_round_trips(seen: Observation) -> Iterator[Finding]:
    first, again = seen.stages["adapted"], seen.stages["rewrapped"]
    for name in sorted({*first.modules, *again.modules}):
        one, other = first.modules.get(name), again.modules.get(name)
        if one != other:
            what = f"{name} was {one} and is {other} from the saved config"
            yield Finding("wrong-type", what, stage="rewrapped", subject=seen.role(name))
    if first.trainable != again.trainable:
        names = sorted(first.trainable ^ again.trainable)
        what = f"only one of the two trains {', '.join(names)}"
        yield Finding("wrong-trainable", what, stage="rewrapped", subject=seen.subject(*names))
    if first.shares != again.shares:
        different = first.shares ^ again.shares
        groups = "; ".join(", ".join(sorted(group)) for group in different)
        subject = seen.subject(*sorted(frozenset().union(*different)))
        what = f"only one of the two ties {groups}"
        yield Finding("lost-tie", what, stage="rewrapped", subject=subject)
