"""Advice: changes to a configuration, each of which was lived and held before it is told.

An ``Advice`` cannot be made without the observation of a life in which every promise a user
loses their model with was judged and held; nothing else can be printed as advice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.user_config.case import OwnCase
from conformance.kinds.user_config.configuration import Configuration
from conformance.kinds.user_config.matching import ends_in
from conformance.kinds.user_config.tuners import promises_of

ENOUGH = 3
"""So many that hold are told; more would be a grid to read."""
NEEDED = INVARIANTS.having("decides", "logits", "config", "warning")
"""What must have been judged, and hold, in a life that advice is taken from."""
KEEPS_ADAPTER = INVARIANTS.having("lost_at", "adapter", "definition")
RESCUES = INVARIANTS.having("lost_at", "merge", "reload", "reader")


class UnverifiedError(ValueError):
    """Advice that no life holds up."""


@dataclass(frozen=True)
class Advice:
    """One piece of advice and the run that showed it: ``needs`` were judged in it and held.

    ``own`` is the changed configuration that was run, where one was.
    """

    text: str
    seen: Observation
    needs: tuple[str, ...] = NEEDED
    own: OwnCase | None = None

    def __post_init__(self) -> None:
        if not self.needs:
            raise UnverifiedError("advice needs promises that hold")
        for name in self.needs:
            verdict = promises_of(self.seen)[name].judge(self.seen).verdict
            if verdict != "holds":
                raise UnverifiedError(f"{name}: {verdict}")


@dataclass(frozen=True)
class Change:
    """A way to train otherwise: its sentence, and the configuration it makes, if it applies."""

    text: str
    made: Callable[[Configuration], Configuration | None]


def advised(found: Configuration, live: Callable[[Configuration], Observation]) -> Iterator[Advice]:
    """Live each change that applies, simplest first, until enough of them hold."""
    held = 0
    tried = {found.case}
    for change in changes(found):
        other = change.made(found)
        if other is None or other.case in tried:
            continue
        tried.add(other.case)
        advice = verified(change.text, live(other), own=other.case)
        if advice is not None:
            yield advice
            held += 1
        if held == ENOUGH:
            return


def verified(
    text: str, seen: Observation, needs: tuple[str, ...] = NEEDED, own: OwnCase | None = None
) -> Advice | None:
    """The advice, if what was seen holds it up."""
    try:
        return Advice(text, seen, needs, own)
    except UnverifiedError:
        return None


def changes(found: Configuration) -> tuple[Change, ...]:
    """What might be done instead, nearest to what the user wants first."""
    head, embedding = _short(found, "head"), _short(found, "embedding")
    both = [embedding, head]
    return (
        Change(
            "make every `tie_word_embeddings` of the base's config agree with its weights",
            Configuration.agreeing,
        ),
        Change("set `ensure_weight_tying=True`", lambda one: _with(one, ensure_weight_tying=True)),
        Change("leave out `ensure_weight_tying`", lambda one: _with(one, ensure_weight_tying=None)),
        Change(
            f'train the same token indices on both: `trainable_token_indices={{"{embedding}": ..., '
            f'"{head}": ...}}`',
            _same_tokens,
        ),
        Change(
            "give `trainable_token_indices` as a list, which is for the input embedding",
            _listed_tokens,
        ),
        Change(
            "train what carries the adapter of embedding and head as a whole: name it in "
            "`modules_to_save`, not in `target_modules`",
            lambda one: _saved(one, _touched(one)),
        ),
        Change(
            f"train both as a whole and tied: `modules_to_save={both}` with "
            "`ensure_weight_tying=True`, and neither in `target_modules`",
            lambda one: _saved(one, both, ensure=True),
        ),
        Change(
            "untie before training: give the head a tensor of its own (`head.weight = "
            "torch.nn.Parameter(head.weight.detach().clone())`), say "
            "`tie_word_embeddings=False` in the config, save that as the base and train on it",
            _untied,
        ),
        Change(
            f"train both as a whole: `modules_to_save={both}`, and neither in `target_modules`",
            lambda one: _saved(one, both),
        ),
        Change(
            "leave embedding and head alone: adapt attention and feed-forward modules only",
            _body,
        ),
    )


def _short(found: Configuration, role: str) -> str:
    path = getattr(found.model.family, role)
    return str(path.rpartition(".")[2])


def _roles(found: Configuration) -> dict[str, tuple[str, ...]]:
    family = found.model.family
    return {"embedding": (family.embedding, *family.copies), "head": (family.head,)}


def _with(found: Configuration, **changed: Any) -> Configuration | None:
    from conformance.upstream import tuner_types

    if set(changed) - tuner_types.tuner_fields(found.adapter.kind):
        return None
    arguments = {**found.arguments, **changed}
    return _changed(found, arguments)


def _changed(found: Configuration, arguments: Mapping[str, Any]) -> Configuration | None:
    plain = {name: value for name, value in arguments.items() if value not in (None, [], {})}
    if not (found.targets(plain) or "target_parameters" in plain):
        return None
    return found.changed(plain, untied=found.case.untied)


def _touched(found: Configuration) -> list[str]:
    """Last names of embedding and head, where they carry the adapter."""
    targeted = found.targets(found.arguments)
    return [
        _short(found, role)
        for role, names in _roles(found).items()
        if any(name in targeted for name in names)
    ]


def _without(found: Configuration) -> dict[str, Any]:
    """The arguments without any trace of embedding and head; a regex lists what it matched."""
    every = [name for names in _roles(found).values() for name in names]
    arguments = found.arguments
    wanted = arguments.get("target_modules")
    if isinstance(wanted, list):
        kept = [one for one in wanted if not any(ends_in(name, one) for name in every)]
        arguments["target_modules"] = kept
    elif wanted is not None and wanted != "all-linear":
        arguments["target_modules"] = sorted(found.targets(arguments) - set(every))
    saved = arguments.get("modules_to_save", [])
    arguments["modules_to_save"] = [
        one for one in saved if not any(ends_in(name, one) for name in every)
    ]
    return arguments


def _saved(
    found: Configuration, names: Sequence[str], *, ensure: bool = False
) -> Configuration | None:
    from conformance.upstream import tuner_types as upstream_tuner_types

    if not names or "trainable_token_indices" in found.arguments:
        return None
    arguments = _without(found)
    arguments["modules_to_save"] = [*arguments["modules_to_save"], *names]
    arguments.pop("ensure_weight_tying", None)
    if ensure:
        if "ensure_weight_tying" not in upstream_tuner_types.tuner_fields(found.adapter.kind):
            return None
        arguments["ensure_weight_tying"] = True
    return _changed(found, arguments)


def _tokens(found: Configuration) -> list[int]:
    given = found.arguments.get("trainable_token_indices", [])
    lists = given.values() if isinstance(given, dict) else [given]
    return list(dict.fromkeys(row for rows in lists for row in rows))


def _same_tokens(found: Configuration) -> Configuration | None:
    rows = _tokens(found)
    if not rows:
        return None
    names = [_short(found, role) for role in ("embedding", "head")]
    return _with(found, trainable_token_indices=dict.fromkeys(names, rows))


def _listed_tokens(found: Configuration) -> Configuration | None:
    return _with(found, trainable_token_indices=_tokens(found)) if _tokens(found) else None


def _untied(found: Configuration) -> Configuration | None:
    if not found.case.lived.tied:
        return None
    return found.changed(found.arguments, untied=True)


def _body(found: Configuration) -> Configuration | None:
    arguments = _without(found)
    for name in ("trainable_token_indices", "ensure_weight_tying"):
        arguments.pop(name, None)
    return _changed(found, arguments)
