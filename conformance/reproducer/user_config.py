"""A script about a user's configuration: standalone, as those about drawn cases are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from conformance.core.placements import Placement
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.user_config.adapter import TOKENS
from conformance.kinds.user_config.configuration import Configuration
from conformance.kinds.user_config.subject import OwnSubject
from conformance.reproducer.code import call, literal
from conformance.reproducer.script import script_of
from conformance.reproducer.shapes import noise
from conformance.reproducer.writing import NotReproducible, Writing
from conformance.upstream import tuner_types
from tiny_models.families import Family

SCRIPTS = INVARIANTS.having("scriptable")
"""Promises whose scripts need to know nothing of an adapter but how it is put on."""


@dataclass(frozen=True)
class OwnWriting(Writing):
    """A user's configuration, and how each thing of its life is written."""

    found: Configuration

    @property
    def family(self) -> Family:
        """The names of the model's parts."""
        return self.found.model.family

    @property
    def matrices(self) -> dict[str, str]:
        """As the model itself tells them."""
        return dict(self.family.matrices)

    @property
    def placement(self) -> Placement:
        """What besides LoRA there is to give values to."""
        arguments = self.found.arguments
        return Placement(
            self.case.placement,
            save=tuple(arguments.get("modules_to_save", ())),
            tokens="list" if any(name in arguments for name in TOKENS) else "",
        )

    @property
    def about(self) -> str:
        """The class and the placement."""
        return f"A tiny {self.family.model} from a user's config.json and adapter_config.json."

    @property
    def given_config(self) -> str:
        """The shrunk config, without what its class says by itself."""
        import transformers

        values = self.found.model.config
        default = getattr(transformers, self.family.config)().to_dict()
        written = {
            name: literal(value)
            for name, value in values.items()
            if name != "model_type" and default.get(name, _NOTHING) != value
        }
        if "tie_word_embeddings" in values:
            written["tie_word_embeddings"] = literal(values["tie_word_embeddings"])
        return call(self.family.config, written)

    @property
    def adapter_class(self) -> str:
        """As PEFT calls it."""
        return tuner_types.config_class(self.found.adapter.kind)

    @property
    def moved(self) -> float | None:
        """What ``conformance.kinds.tuners.subject`` adds to a tuner's parts."""
        case = self.case
        return case.what.size if isinstance(case, TunerCase) else None

    @property
    def inputs(self) -> dict[str, str]:
        """Ordinary tokens and those that are trained; beside a decoder of sounds, features."""
        lines = OwnSubject(self.found).inputs()
        tokens = "decoder_input_ids" if FEATURES in lines else "input_ids"
        found = {"IDS": f"torch.tensor({lines[tokens].tolist()})"}
        if FEATURES in lines:
            found["SOUND"] = noise(self.case, "input features", *lines[FEATURES].shape)
            return {**found, "INPUTS": f'{{"{FEATURES}": SOUND, "decoder_input_ids": IDS}}'}
        text = '"input_ids": IDS, "attention_mask": torch.ones_like(IDS)'
        decoder = ', "decoder_input_ids": IDS.flip(1)' if self.found.model.has_decoder else ""
        return {**found, "INPUTS": f"{{{text}{decoder}}}"}

    @property
    def _adapter(self) -> dict[str, str]:
        arguments: dict[str, Any] = json.loads(self.found.case.adapter_json)
        return {name: literal(value) for name, value in arguments.items()}


_NOTHING = object()
FEATURES = "input_features"


def own_script(found: Configuration, invariant: str) -> str:
    """A standalone script that exits 1 while this promise is broken for this configuration.

    Raises NotReproducible, in one sentence, where there is none.
    """
    if invariant not in SCRIPTS:
        raise NotReproducible(f"{invariant} has no script for a configuration of your own")
    return script_of(OwnWriting(found.case.lived, found), invariant)
