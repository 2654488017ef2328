"""The subject of a user's configuration: its tiny base, its adapter, and their definition."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.errors import SuiteError
from conformance.core.observation import Observation, Snapshot, adapted_modules
from conformance.core.placements import MATRICES
from conformance.engine.oracle import effective_weights
from conformance.kinds.lifecycle.observe import observe_subject
from conformance.kinds.lifecycle.subject import Subject
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.formulas import FORMULAS, redefined, without_formula
from conformance.kinds.tuners.subject import ONCE, move
from conformance.kinds.user_config.adapter import TOKENS
from conformance.kinds.user_config.configuration import Configuration
from conformance.kinds.user_config.fields import FEED_FORWARD, OF_TUNERS
from conformance.kinds.user_config.matching import ends_in, of_pattern, owners
from conformance.upstream.calls import lora_config
from conformance.upstream.tuner_types import tuner_config
from tiny_models import compat
from tiny_models.build import Base
from tiny_models.families import Family
from tiny_models.loading import load
from tiny_models.seeding import seeded
from tiny_models.values import fill, named_values

if TYPE_CHECKING:
    import torch

ROWS = (2, 0, 1, -1, 5, 2, 7), (-1, 6, 0, 3, 3, 1, -2)
"""Two lines of ordinary tokens, the last of the vocabulary among them, some of them twice."""


def observe_own(found: Configuration) -> Observation:
    """The facts of the life of a user's configuration."""
    seen = observe_subject(OwnSubject(found))
    return replace(seen, heard=tuple(one for one in seen.heard if not ONCE.search(one.text)))


class OwnSubject(Subject):
    """A model that was read from a config, with an adapter that was read from another."""

    def __init__(self, found: Configuration) -> None:
        super().__init__(found.case.lived)
        self.found, self.model, self.arguments = found, found.model, found.arguments

    def config(self, arguments: dict[str, Any]) -> Any:
        """The config of the user's kind of adapter."""
        kind = self.found.adapter.kind
        return lora_config(**arguments) if kind == "LORA" else tuner_config(kind, arguments)

    def fill(self, model: Any, names: Container[str]) -> None:
        """Values of LoRA's parts, or a value added to whatever a tuner trains."""
        if isinstance(self.case, TunerCase):
            move(model, self.case, names)
        else:
            super().fill(model, names)

    def definition(
        self, names: Mapping[str, str], base: Snapshot, trained: Snapshot
    ) -> Mapping[str, torch.Tensor] | None:
        """The weights that LoRA stands for, or the formula of a tuner."""
        if not isinstance(self.case, TunerCase):
            return super().definition(names, base, trained)
        weights = effective_weights(self, names, base, without_formula(self.case.tuner, trained))
        return redefined(self.case.tuner, weights, base, trained)

    def undefined(self, trained: Snapshot) -> str:
        """Definitions are those of a matrix in one place, or in two; PEFT may choose others."""
        if isinstance(self.case, TunerCase):
            return self._undefined_tuner(self.case)
        adapted = adapted_modules(trained.weights, "lora_")
        if any(f"{module}.weight" not in trained.weights for module in adapted):
            return "LoRA on bare parameters has no definition here"
        if self.arguments.get("lora_bias"):
            return "a bias of LoRA's own has no definition here"
        return ""

    def _undefined_tuner(self, case: TunerCase) -> str:
        plain = {*case.what.arguments, *OF_TUNERS, "task_type"} - {FEED_FORWARD}
        own = [name for name, value in self.arguments.items() if name not in plain and value]
        if case.tuner not in FORMULAS or own:
            options = f" with {', '.join(own)}" if own else ""
            return f"{case.what.kind}{options} has no definition here"
        return ""

    @property
    def family(self) -> Family:
        """Found by asking the model."""
        return self.model.family

    @property
    def model_class(self) -> Any:
        """The class that the config names, or that transformers has for it."""
        import transformers

        return getattr(transformers, self.model.model_class)

    def inputs(self) -> dict[str, torch.Tensor]:
        """Ordinary tokens, and every one that the adapter trains."""
        import torch

        rows = self.model.tiny_rows
        trained = tuple(trained_rows(self.arguments))
        ids = torch.tensor([[token % rows for token in (*line, *trained)] for line in ROWS])
        if self.model.main_input == "input_features":
            config = self.model.config
            shape = (len(ids), config["num_mel_bins"], 2 * config["max_source_positions"])
            return {
                "input_features": named_values(self.case.seed, "input features", shape),
                "decoder_input_ids": ids,
            }
        found = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        return found | ({"decoder_input_ids": ids.flip(1)} if self.model.has_decoder else {})

    def build(self, folder: Path) -> Base:
        """Made from the config, given values from names, saved, and loaded as a user loads it."""
        with (
            seeded(0),
            compat.quiet_progress(),
            compat.quiet_logs(),
        ):
            model = self.model.make(tied=False) if self.found.case.untied else self.model.make()
            fill(model, self.case.seed)
            folder.mkdir(parents=True, exist_ok=True)
            model.save_pretrained(folder)
            loaded, loading = load(type(model), folder, dtype=self.case.dtype)
            loaded.save_pretrained(folder / "again")
            again, _ = load(type(model), folder / "again", dtype=self.case.dtype)
        lost = [*_lost(model, loaded), *_lost(loaded, again)]
        if lost:
            raise SuiteError(
                f"without any adapter, a {type(model).__name__} that is saved and loaded again is "
                f"not what it was: {lost[0]}"
            )
        return Base(loaded, loading)

    def adapter(self, roles: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:  # noqa: ARG002
        """The user's own, clipped."""
        return self.found.arguments

    def targets(
        self,
        roles: Mapping[str, tuple[str, ...]],
        linear: tuple[str, ...],  # noqa: ARG002  from the model itself
    ) -> frozenset[str]:
        """What the config names, but for what holds the tied matrix."""
        every = self.found.targets(self.arguments) | owners(self.arguments, self.model.parameters)
        return every - {name for role in MATRICES for name in roles.get(role, ())}

    def scaling(self, module: str) -> float:
        """``alpha`` / ``r`` of the module's own pattern, or / sqrt(r)."""
        rank = of_pattern(self.arguments.get("rank_pattern", {}), module, self.arguments["r"])
        alpha = of_pattern(
            self.arguments.get("alpha_pattern", {}), module, self.arguments["lora_alpha"]
        )
        return float(alpha / (math.sqrt(rank) if self.case.rslora else rank))

    def rows(self, names: Mapping[str, str], module: str) -> list[int]:
        """The rows that are asked for on a module, or on the embedding it is tied to."""
        given = self.arguments["trainable_token_indices"]
        if isinstance(given, list):
            return list(given)
        found = [rows for key, rows in given.items() if ends_in(module, key)]
        found += [rows for key, rows in given.items() if ends_in(names["embedding"], key)]
        return list(next(iter(found), next(iter(given.values()))))

    def plain_keys(self, *, tied: bool) -> frozenset[str]:
        """The keys of an untouched model of this config."""
        return self.model.plain_keys(tied=tied)


def trained_rows(arguments: Mapping[str, Any]) -> list[int]:
    """The rows of the vocabulary that are named, each once."""
    found: list[int] = []
    for name in TOKENS:
        given = arguments.get(name, [])
        lists = given.values() if isinstance(given, dict) else [given]
        found += [row for one in lists for row in one]
    return list(dict.fromkeys(found))


def _lost(before: Any, after: Any) -> list[str]:
    """Parameters that do not come out of a file as they went in."""
    import torch

    was, now = (dict(one.named_parameters(remove_duplicate=False)) for one in (before, after))
    changed = (name for name, one in was.items() if name in now and not torch.equal(one, now[name]))
    return [*sorted(was.keys() ^ now.keys()), *changed]
