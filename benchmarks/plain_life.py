"""One life as a plain script would live it: the library calls of ``kinds.lifecycle.run``, no more.

Every model is built, wrapped, run, saved and loaded as often as in an observed life. Nothing is
written down but the logits, which are thrown away.
"""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from conformance.core.case import Case
from conformance.core.tolerances import nudges
from conformance.engine.lora_arguments import lora_arguments
from conformance.engine.oracle import nudged
from conformance.engine.snapshot import reached
from conformance.engine.training import steps, trained_values
from conformance.kinds.lifecycle.run import GROWTH
from tiny_models import build as tiny
from tiny_models.checkpoints import SHARD
from tiny_models.compat import dtype_argument, resize
from tiny_models.families import FAMILIES
from tiny_models.roles import module_names
from tiny_models.seeding import reseed
from tiny_models.values import refill


class PlainLife:
    """The life of one case on the cpu."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case, self.folder = case, folder
        self.family = FAMILIES[case.family]
        self.inputs = tiny.inputs(case.model)
        (folder / "base").mkdir()
        self.pristine: Any = tiny.build(case.model, folder / "base").model
        self.roles = module_names(self.pristine, self.family)

    def live(self) -> None:
        """The main line and all branches."""
        self.forward(self.base())
        model = self.adapted(looking=True)
        self.define()
        with model.disable_adapter():
            self.forward(model)
        for name in ("adapter", "adapter-again"):
            choice = {"auto": "auto", "yes": True, "no": False}[self.case.save_embedding_layers]
            model.save_pretrained(self.folder / name, save_embedding_layers=choice)
        merged = model.merge_and_unload(safe_merge=self.case.safe_merge)
        self.forward(merged)
        for name in ("merged", "merged-again"):
            sharding = {"max_shard_size": SHARD} if self.case.sharded else {}
            merged.save_pretrained(self.folder / name, **sharding)
        self.read(self.reload())
        self.branch_off()

    def forward(self, model: Any) -> torch.Tensor:
        """Logits in eval mode."""
        model.eval()
        with torch.no_grad():
            found: torch.Tensor = model(**self.inputs).logits
        return found

    def base(self, *, grown: bool = True) -> Any:
        """A copy of the base."""
        model = copy.deepcopy(self.pristine)
        if grown and self.case.grown:
            self.grow(model)
        return model

    def grow(self, model: Any) -> None:
        """More rows in the vocabulary."""
        resize(model, self.case.vocab + GROWTH)
        for role in ("head", "embedding"):
            name = self.roles[role][0]
            for part, parameter in model.get_submodule(name).named_parameters():
                refill(parameter, self.case.seed, f"{name}.{part}")

    def adapted(self, *, looking: bool = False) -> Any:
        """A wrapped and trained model."""
        reseed(self.case.seed + 1)
        config = LoraConfig(**lora_arguments(self.case, self.roles))
        model = get_peft_model(
            self.base(grown=False), config, autocast_adapter_dtype=self.case.autocast
        )
        if self.case.grown:
            self.grow(model.base_model.model)
        if looking:
            self.forward(model)
        if looking:
            self.to_fill = reached(model, self.inputs)
        trained_values(model, self.case, self.to_fill)
        if self.case.training != "values":
            steps(model, self.inputs, self.case)
        if looking:
            self.forward(model)
        return model

    def define(self) -> None:
        """A plain model to hold what the adapter stands for, and the same one nudged."""
        plain = self.base()
        head = plain.get_submodule(self.roles["head"][0])
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
        self.forward(plain)
        kept = {name: parameter.clone() for name, parameter in plain.named_parameters()}
        for stage in nudges(self.case.dtype):
            with torch.no_grad():
                for name, parameter in plain.named_parameters():
                    parameter.copy_(nudged(kept[name], name, stage))
            self.forward(plain)

    def reload(self) -> Any:
        """The merged checkpoint, loaded with its report."""
        auto = self.case.loader == "auto"
        cls: Any = AutoModelForCausalLM if auto else tiny.model_class(self.case.model)
        same = self.case.reload_dtype == "same"
        dtype = getattr(torch, self.case.dtype if same else self.case.reload_dtype)
        model, _ = cls.from_pretrained(
            self.folder / "merged", output_loading_info=True, **{dtype_argument(): dtype}
        )
        self.forward(model)
        return model

    def read(self, model: Any) -> None:
        """The embedding and head of the file, put in by hand."""
        tensors: dict[str, torch.Tensor] = {}
        for file in sorted((self.folder / "merged").glob("*.safetensors")):
            tensors |= load_file(file)
        embedding = self.family.embedding + ".weight"
        source = embedding if model.config.tie_word_embeddings else self.family.head_in_file
        for module, key in (
            (model.get_input_embeddings(), embedding),
            (model.get_output_embeddings(), source),
        ):
            weight = tensors[key].to(module.weight.dtype).clone()
            module.weight = torch.nn.Parameter(weight, requires_grad=False)
        self.forward(model)

    def branch_off(self) -> None:
        """Load the adapter, wrap by its config, merge in place, unload, merge safely."""
        case = self.case
        folder = self.folder / "adapter"
        loaded = PeftModel.from_pretrained(
            self.base(),
            folder,
            is_trainable=case.is_trainable,
            low_cpu_mem_usage=case.low_cpu_mem_usage,
            torch_device="cpu",
        )
        self.forward(loaded)
        config = PeftConfig.from_pretrained(str(folder))
        config.inference_mode = False
        get_peft_model(self.base(), config, autocast_adapter_dtype=case.autocast)

        model = self.adapted()
        for step in (model.merge_adapter, model.merge_adapter, model.unmerge_adapter):
            step()
            self.forward(model)
        self.forward(self.adapted().unload())
        self.forward(self.adapted().merge_and_unload(safe_merge=not case.safe_merge))
        broken = self.adapted()
        with torch.no_grad():
            for parameter in broken.parameters():
                if parameter.requires_grad:
                    parameter.fill_(float("inf"))
        with contextlib.suppress(ValueError):
            broken.merge_adapter(safe_merge=True)
