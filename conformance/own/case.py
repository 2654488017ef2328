"""The case of a user's configuration: what decides its life, and its nearest place in the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.case import Case
from conformance.own.matching import ends_in
from conformance.placements import MATRICES, PLACEMENTS, Placement
from tiny_models.families import FAMILIES, Family


@dataclass(frozen=True, repr=False)
class OwnCase(Case):
    """A case whose base and adapter are a user's: both as JSON, tiny and clipped.

    The fields of a case say which drawn case it is nearest to, so that every promise can be asked
    of it. ``mixed`` tells that no placement of the grid is quite its own: promises that go by the
    placement are not asked then. ``untied`` tells that the head was given a tensor of its own.
    """

    model_json: str = ""
    adapter_json: str = ""
    mixed: bool = False
    untied: bool = False

    def __repr__(self) -> str:
        return f"OwnCase({self.nearest!r}{', mixed=True' if self.mixed else ''})"

    @property
    def nearest(self) -> Case:
        """The drawn case of the same stratum, family and kind of adapter."""
        return Case(
            tied=self.tied,
            ensure=self.ensure,
            placement=self.placement,
            family=self.family,
            base="built" if self.tied else "loaded",
            rslora=self.rslora,
            dora=self.dora,
            bias=self.bias,
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
