"""The case of a user's configuration: what decides its life, and its nearest place in the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.core.case import Case
from conformance.core.placements import MATRICES, PLACEMENTS, Placement
from conformance.kinds.tuners.case import TunerCase, tuner_case
from conformance.kinds.tuners.tuner import SAVED, TARGETED
from conformance.kinds.user_config.matching import ends_in
from tiny_models.families import FAMILIES, Family


@dataclass(frozen=True, repr=False)
class OwnCase:
    """What a user's configuration is run as: a case, and the base and adapter as JSON.

    ``lived`` is a ``Case`` or a ``TunerCase`` whose fields say what the run is, and which drawn
    case it is nearest to, so that every invariant can be asked of it; base and adapter are the
    user's, tiny and clipped. ``mixed`` tells that no placement of the grid is quite its own:
    invariants that go by the placement are not asked then. ``untied`` tells that the head was given
    a tensor of its own.
    """

    lived: Case
    model_json: str = ""
    adapter_json: str = ""
    mixed: bool = False
    untied: bool = False

    def __repr__(self) -> str:
        return f"OwnCase({self.nearest!r}{', mixed=True' if self.mixed else ''})"

    @property
    def device(self) -> str:
        """Where the model lies."""
        return self.lived.device

    @property
    def family(self) -> str:
        """The family of the grid that the model is nearest to."""
        return self.lived.family

    @property
    def nearest(self) -> Case:
        """The drawn case of the same stratum, family and kind of adapter, or that of a tuner."""
        lived = self.lived
        if isinstance(lived, TunerCase):
            return tuner_case(
                tied=lived.tied,
                ensure=lived.ensure,
                placement=lived.placement if lived.placement in (*TARGETED, *SAVED) else "body",
                family=lived.first_family,
                tuner=lived.tuner,
            )
        return Case(
            tied=lived.tied,
            ensure=lived.ensure,
            placement=lived.placement,
            family=lived.family,
            base="built" if lived.tied else "loaded",
            rslora=lived.rslora,
            dora=lived.dora,
            bias=lived.bias,
        )


def nearest_family(own: Family) -> str:
    """The family of the grid of the same config, else one whose matrices have the same names.

    PEFT goes by those names, so they decide more than anything else.
    """
    lived = [entry for entry in FAMILIES.values() if entry.head]
    short = [path.rpartition(".")[2] for path in (own.embedding, own.head)]
    ranked = sorted(
        lived,
        key=lambda entry: (
            entry.model != own.model,
            entry.config != own.config,
            entry.shape != own.shape,
            entry.embedding.rpartition(".")[2] != short[0],
            entry.head.rpartition(".")[2] != short[1],
        ),
    )
    return ranked[0].name


def nearest_placement(
    own: Family,
    targets: frozenset[str],
    saved: list[str],
    tokens: Mapping[str, list[int]] | list[int] | None,
) -> tuple[str, bool]:
    """The placement of the grid that an adapter is nearest to, and whether it is quite that."""
    roles = {role: (path,) for role, path in own.matrices.items()}
    targeted = {role for role, names in roles.items() if targets & set(names)}
    replaced = {
        role
        for role, names in roles.items()
        if any(ends_in(name, one) for name in names for one in saved)
    }
    kind = _kind(roles, tokens)

    def differs(row: Placement) -> tuple[int, int, bool]:
        return (
            len(set(MATRICES) & set(row.target) ^ targeted) + len(set(row.save) ^ replaced),
            2 * (bool(row.tokens) != bool(kind)),
            row.tokens != kind,
        )

    best = min(PLACEMENTS.values(), key=lambda row: (sum(map(int, differs(row))), row.name))
    return best.name, any(differs(best))


def _kind(
    roles: Mapping[str, tuple[str, ...]], tokens: Mapping[str, list[int]] | list[int] | None
) -> str:
    if tokens is None:
        return ""
    if isinstance(tokens, list):
        return "list"
    rows = {
        role: found
        for role, names in roles.items()
        for key, found in tokens.items()
        if any(ends_in(name, key) for name in names)
    }
    if len(rows) == 2:  # noqa: PLR2004  embedding and head
        return "same" if rows["embedding"] == rows["head"] else "different"
    return next(iter(rows), "other")
