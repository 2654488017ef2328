"""A user's model and adapter together: read, made tiny, and known to fit each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.core.case import Case
from conformance.core.user_files import InputError, named, shown
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.user_config.adapter import Clipping, RawAdapter, read_adapter
from conformance.kinds.user_config.case import OwnCase, nearest_family, nearest_placement
from conformance.kinds.user_config.matching import ends_in, owners, targets
from conformance.kinds.user_config.model import OwnModel, read_model
from conformance.kinds.user_config.regex_timeout import check_ends
from tiny_models.compat import quiet_logs, quiet_progress


@dataclass(frozen=True)
class Configuration:
    """What is lived and judged: the tiny model, the clipped adapter, and all that was changed."""

    model: OwnModel
    adapter: RawAdapter
    case: OwnCase
    notes: tuple[str, ...]

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments for the adapter's config, fresh ones each time."""
        found: dict[str, Any] = json.loads(self.case.adapter_json)
        return found

    def targets(self, arguments: Mapping[str, Any]) -> frozenset[str]:
        """The modules that carry the adapter under these arguments."""
        return targets(arguments, self.model.modules, self.model.linear)

    def changed(self, arguments: Mapping[str, Any], *, untied: bool) -> Configuration:
        """The same configuration with another adapter, or with a head of its own."""
        model = replace(self.model, tied=False) if untied else self.model
        case = _case(model, arguments, self.adapter, untied=untied)
        return Configuration(model, self.adapter, case, self.notes)

    def agreeing(self) -> Configuration:
        """The same configuration with every tie flag of the base as its weights are."""
        model = self.model.agreeing()
        case = _case(model, self.arguments, self.adapter, untied=self.case.untied)
        return Configuration(model, self.adapter, case, self.notes)


def configuration(model_path: str, adapter_path: str) -> Configuration:
    """Read both; raises InputError, in one sentence, for what cannot be lived."""
    with quiet_logs(), quiet_progress():
        return _configuration(model_path, adapter_path)


def _configuration(model_path: str, adapter_path: str) -> Configuration:
    raw = read_adapter(adapter_path)
    model = read_model(model_path, layers=raw.layers)
    callable_with = {"input_ids"}
    if {"num_mel_bins", "max_source_positions"} <= set(model.config):
        callable_with.add("input_features")  # of Whisper's shape
    if model.main_input not in callable_with:
        raise InputError(
            f"{named(model.path)}: {model.model_class} is called with {model.main_input}, "
            "and only text and Whisper's features are made here"
        )
    stacks = model.shrinking.kept_layers
    layers = max(stacks, default=1)
    clipping = Clipping(
        layers, len(stacks.get(layers, (0,))), model.rows, model.tiny_rows, model.shrinking.tokens
    )
    arguments, clipped = clipping.arguments(raw)
    check_ends(arguments, model.modules, named(raw.path))
    notes = [*model.notes, *raw.notes, *clipped]
    notes += _fit(model, arguments, raw)
    return Configuration(model, raw, _case(model, arguments, raw, untied=False), tuple(notes))


def _fit(model: OwnModel, arguments: dict[str, Any], raw: RawAdapter) -> list[str]:
    """Notes on names that name nothing; raises InputError where the adapter is on nothing."""
    from conformance.upstream import tuner_types

    what = named(raw.path)
    if "target_modules" not in arguments and "target_parameters" not in arguments:
        kind = str(model.config["model_type"])
        default = tuner_types.default_targets(kind)
        if not default:
            raise InputError(
                f"{what} has no target_modules, and the installed PEFT has none for {kind}"
            )
        arguments["target_modules"] = list(default)
    found = targets(arguments, model.modules, model.linear)
    if not found and not owners(arguments, model.parameters):
        wanted = arguments.get("target_modules", arguments.get("target_parameters"))
        raise InputError(
            f"{what}: target_modules {shown(wanted)} is on no module of this "
            f"{model.model_class}; its modules are called {', '.join(_examples(model))}"
        )
    return [
        f"{name} names {shown(one)}, which is no module of this {model.model_class}"
        for name in ("target_modules", "modules_to_save", "exclude_modules")
        for one in _names(arguments.get(name))
        if not any(ends_in(module, one) for module in model.modules)
    ] + [
        f"trainable_token_indices names {shown(one)}, which is no module of this "
        f"{model.model_class}"
        for one in _keys(arguments.get("trainable_token_indices"))
        if not any(ends_in(module, one) for module in model.modules)
    ]


def _names(value: object) -> list[str]:
    return value if isinstance(value, list) else []


def _keys(value: object) -> list[str]:
    return list(value) if isinstance(value, dict) else []


def _examples(model: OwnModel) -> list[str]:
    short = dict.fromkeys(name.rpartition(".")[2] for name in model.linear)
    family = model.family
    return list(dict.fromkeys([*short, family.embedding.rpartition(".")[2], family.head]))[:12]


def _writing(wanted: object) -> str:
    """How a drawn case would have written these targets."""
    if isinstance(wanted, str):
        return wanted if wanted == "all-linear" else "regex"
    return "paths" if any("." in name for name in _names(wanted)) else "names"


def _case(
    model: OwnModel, arguments: Mapping[str, Any], raw: RawAdapter, *, untied: bool
) -> OwnCase:
    family = model.family
    placement, mixed = nearest_placement(
        family,
        targets(arguments, model.modules, model.linear),
        arguments.get("modules_to_save", []),
        arguments.get("trainable_token_indices"),
    )
    kind: type[Case] = Case
    special: dict[str, Any] = {
        "rank": max(arguments.get("r", 1), *arguments.get("rank_pattern", {"": 1}).values()),
        "alpha": arguments.get("lora_alpha", 1),
    }
    if raw.kind != "LORA":
        kind, special = TunerCase, {"tuner": raw.tuner}
    lived = kind(
        tied=model.tied,
        ensure=bool(arguments.get("ensure_weight_tying")),
        placement=placement,
        family=nearest_family(family),
        layers=model.layers,
        base="loaded",
        hidden=model.width,
        vocab=model.tiny_rows,
        excluded="exclude_modules" in arguments,
        writing=_writing(arguments.get("target_modules", ())),
        rslora=bool(arguments.get("use_rslora")),
        dora=bool(arguments.get("use_dora")),
        bias=arguments.get("bias", "none"),
        loader="concrete",
        **special,
    )
    return OwnCase(
        lived,
        model_json=json.dumps(model.config, sort_keys=True),
        adapter_json=json.dumps(arguments, sort_keys=True),
        mixed=mixed,
        untied=untied,
    )
