"""The live model of a program, and what operations need of it beyond a call of PEFT's."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.case import Case
from conformance.engine.capture import hearing
from conformance.engine.devices import torch_device
from conformance.engine.snapshot import flags, reached, saved
from conformance.engine.training import value
from conformance.kinds.programs.arguments import PLACED
from conformance.kinds.programs.program import Program
from conformance.kinds.programs.state import Key, Placed, State
from conformance.upstream import calls, native
from conformance.upstream import names as upstream_names
from tiny_models import build as tiny
from tiny_models.build import inputs
from tiny_models.compat import resize
from tiny_models.families import FAMILIES
from tiny_models.roles import module_names
from tiny_models.seeding import seeded
from tiny_models.values import refill

if TYPE_CHECKING:
    import torch

NEW_TOKENS = 2
"""As many are generated: the second is made with what is remembered of the first."""


class Live:
    """The model under way: plain, or wrapped by PEFT, with the plain base it was wrapped on."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.family = FAMILIES[program.family]
        self.case = program.base
        self.device = torch_device(program.device)
        self.inputs = inputs(self.case.model)
        self.model: Any = tiny.build(self.case.model, folder / "base").model
        # transformers wraps nn.Module.to without its types
        self.model.to(self.device)  # type: ignore[arg-type]
        self.pristine: Any = None
        self.roles = module_names(self.model, self.family)
        self.file_flags: Mapping[str, bool | None] = {}
        self.strangers: frozenset[tuple[str, str]] = frozenset()
        self._folders = 0

    def fresh_folder(self) -> str:
        """A folder of its own for what is saved next."""
        self._folders += 1
        path = self.folder / str(self._folders)
        path.mkdir()
        return os.fspath(path)

    @property
    def wrapped(self) -> bool:
        """Whether the model is PEFT's."""
        return self.pristine is not None

    @property
    def plain(self) -> Any:
        """The plain model: itself, or what was wrapped."""
        return self.pristine if self.wrapped else self.model

    def config(self, state: State, one: Placed) -> Any:
        """An adapter's config, as its user writes it."""
        place = PLACED[one.placement]

        def short(role: str) -> list[str]:
            wanted = role if role in self.roles else "mlp"
            return list(dict.fromkeys(n.rpartition(".")[2] for n in self.roles[wanted]))

        arguments: dict[str, Any] = {
            "task_type": "CAUSAL_LM",
            "r": one.rank,
            "lora_alpha": one.alpha,
            "lora_dropout": 0.0,
            "target_modules": [n for role in place.target for n in short(role)],
        }
        if place.save:
            arguments["modules_to_save"] = [n for role in place.save for n in short(role)]
        if place.tokens == "list":
            arguments["trainable_token_indices"] = list(one.rows)
        elif place.tokens:
            ends = ("embedding", "head")
            arguments["trainable_token_indices"] = {short(e)[0]: list(one.rows) for e in ends}
        if one.dora:
            arguments["use_dora"] = True
        if state.ensure:
            arguments["ensure_weight_tying"] = True
        return calls.lora_config(**arguments)

    def wrap(self, state: State, one: Placed) -> None:
        """``get_peft_model``; the adapter gets values from names."""
        self.pristine = copy.deepcopy(self.model)
        self.model = self._wrapped(self.model, state, one)
        self._fill(state, one)

    def add(self, state: State, one: Placed) -> None:
        """``add_adapter``; the adapter gets values from names."""
        config, autocast = self.config(state, one), self.program.autocast
        self.model.add_adapter(one.name, config, autocast_adapter_dtype=autocast)
        self._fill(state, one)

    def _wrapped(self, model: Any, state: State, one: Placed) -> Any:
        config, autocast = self.config(state, one), self.program.autocast
        return calls.wrap(model, config, autocast=autocast, name=one.name)

    def _fill(self, state: State, one: Placed) -> None:
        import torch

        like = replace(self.case, dtype=state.dtype, rank=one.rank, alpha=one.alpha)
        done: set[int] = set()
        met = self._reached(state, one)
        with torch.no_grad():
            for key, parameter in self.parts().items():
                where = parameter.untyped_storage().data_ptr()
                if key in met and where not in done:
                    done.add(where)
                    parameter.copy_(value(" ".join(key), key[2], parameter, like))

    def _reached(self, state: State, one: Placed) -> frozenset[Key | None]:
        """The parts of an adapter that a gradient reaches where it is alone on the plain base.

        Beside others it may stand inactive, or on what is merged.
        """
        with seeded(0), hearing("reached", [], hide=os.fspath(self.folder)):
            alone = self.model
            if len(alone.peft_config) > 1:
                alone = self._wrapped(copy.deepcopy(self.pristine), state, one)
            met = reached(alone, self.inputs)
        return frozenset(map(upstream_names.part_of_adapter, met))

    def parts(self) -> dict[Key, torch.nn.Parameter]:
        """The parameters of all adapters, every name of a shared one."""
        return parts_of(self.model)

    def base(self) -> dict[str, torch.nn.Parameter]:
        """The parameters of the base by plain name, both of a tie."""
        return {
            upstream_names.plain_name(name): parameter
            for name, parameter in self.model.named_parameters(remove_duplicate=False)
            if upstream_names.part_of_adapter(name) is None
        }

    def save(self, *names: str) -> str:
        """Save these adapters; the folder."""
        folder = self.fresh_folder()
        self.model.save_pretrained(folder, selected_adapters=list(names))
        self.strangers = frozenset(
            (name, key)
            for name in names
            for key in self._strangers(adapter_folder(folder, name), name)
        )
        return folder

    def _strangers(self, folder: str, name: str) -> Iterator[str]:
        """The keys of an adapter's file whose tensors are neither its own nor the base's.

        What stands below a wrapper is the base's by its key: its values are those of now or, where
        something is merged, of before, which loading tells apart.
        """
        import torch
        from safetensors.torch import load_file

        own = [one for key, one in self.parts().items() if key[0] == name]
        mine = [one.detach().cpu() for one in (*own, *self.base().values())]
        for key, tensor in load_file(Path(folder) / "adapter_model.safetensors").items():
            if ".base_layer." in key:
                continue
            if not any(torch.equal(tensor, one) for one in mine if one.dtype == tensor.dtype):
                yield key

    def name_base(self) -> None:
        """Save the plain base, and name it in the config of every adapter."""
        base = self.fresh_folder()
        self.pristine.save_pretrained(base)
        for config in self.model.peft_config.values():
            config.base_model_name_or_path = base

    def open(self, folder: str, name: str, *, dtype: str = "") -> None:
        """Load a first adapter on a fresh base: on the one its config names, where ``dtype`` is."""
        saved_in = adapter_folder(folder, name)
        if dtype:
            import torch

            self.model = calls.load_with_base(saved_in, name, getattr(torch, dtype))
            self.model.to(self.device)
        else:
            base = copy.deepcopy(self.pristine)
            self.model = calls.load_adapter(
                base, saved_in, low_cpu_mem_usage=False, is_trainable=True, name=name
            )

    def load(self, folder: str, source: str, name: str) -> None:
        """``load_adapter`` of what was saved as ``source``."""
        calls.load_more(self.model, adapter_folder(folder, source), name)

    def native(self, folder: str, name: str) -> Any:
        """A fresh base with an adapter that transformers loaded itself."""
        model = copy.deepcopy(self.pristine)
        native.load(model, adapter_folder(folder, name), name)
        return model

    def native_adds(
        self, state: State, chosen: tuple[Placed, ...]
    ) -> Iterator[tuple[str, Any, str]]:
        """What was done, a model with these adapters that transformers handles, and the active one.

        Each adapter gets the values that it has here. What is saved is the active one.
        """
        import torch

        model, mine = copy.deepcopy(self.pristine), self.parts()
        for one in chosen:
            native.add(model, self.config(state, one), one.name)
            with torch.no_grad():
                for key, parameter in parts_of(model).items():
                    if key[0] == one.name:
                        parameter.copy_(mine[key])
            yield "added by transformers", model, one.name
        first, folder = chosen[0], self.fresh_folder()
        native.activate(model, first.name)
        yield "set by transformers", model, first.name
        native.save(model, self.config(state, first), first.name, folder)
        again = copy.deepcopy(self.pristine)
        native.load(again, folder, first.name)
        yield "saved and loaded by transformers", again, first.name
        wrapped = native.wrapped(copy.deepcopy(self.pristine), folder, first.name)
        yield "saved by transformers and loaded by PEFT", wrapped, first.name

    def of_rows(
        self, names: tuple[str, ...], *, generates: bool
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Logits of a batch whose rows name their adapters, and what led to them.

        The rows are those of the inputs, again and again. Where it ``generates``, the logits are
        of the new tokens, which are the last that a reference is to be given.
        """
        import torch

        given = {what: _rows(one, len(names)).to(self.device) for what, one in self.inputs.items()}
        self.model.eval()
        with torch.no_grad():
            if not generates:
                found = self.model(**given, adapter_names=list(names)).logits
            else:
                made = self.model.generate(
                    **given,
                    adapter_names=list(names),
                    max_new_tokens=NEW_TOKENS,
                    do_sample=False,
                    pad_token_id=0,
                    output_logits=True,
                    return_dict_in_generate=True,
                )
                found = torch.stack(made.logits, dim=1)
                ids = made.sequences[:, :-1]
                given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        return found.detach().to("cpu", copy=True), given

    def resize(self, added: int) -> None:
        """``resize_token_embeddings``; the new rows get values from names."""
        import torch

        before = {name: len(one) for name, one in self.base().items() if one.ndim}
        rows = self.case.vocab + added
        resize(self.model, rows)
        if self.wrapped:
            resize(self.pristine, rows)
        for model in (self.model, *((self.pristine,) if self.wrapped else ())):
            named = {
                upstream_names.plain_name(name): one
                for name, one in model.named_parameters(remove_duplicate=False)
            }
            with torch.no_grad():
                for name in self.ends(named):
                    new = torch.empty_like(named[name])
                    refill(new, self.program.seed, f"{name} {rows}")
                    named[name][before[name] :] = new[before[name] :]

    def ends(self, named: Mapping[str, Any]) -> list[str]:
        """The parameters of head and embedding that have a row for each token, head first."""
        return [
            name
            for role in ("head", "embedding")
            for name in named
            if name.startswith(f"{self.roles[role][0]}.")
        ]

    def cast(self, dtype: str) -> None:
        """``to`` of the model; the plain base goes along, with its buffers."""
        import torch

        for model in (self.model, *((self.pristine,) if self.wrapped else ())):
            model.to(getattr(torch, dtype))

    def bare(self, model: Any) -> None:
        """Go on with a plain model."""
        self.model, self.pristine = model, None

    def reload(self, dtype: str) -> None:
        """``save_pretrained`` and ``from_pretrained`` of the plain model."""
        from transformers import AutoModelForCausalLM

        folder = Path(self.fresh_folder())
        self.model.save_pretrained(folder)
        self.file_flags = saved(folder).flags
        self.model, _ = tiny.load(AutoModelForCausalLM, folder, dtype=dtype)
        self.model.to(self.device)

    def flags(self) -> Mapping[str, bool | None]:
        """Every ``tie_word_embeddings`` of the model's config."""
        return flags(self.model.config.to_dict())


def _rows(tensor: torch.Tensor, count: int) -> torch.Tensor:
    """That many rows: those of the tensor, again and again."""
    return tensor[[row % len(tensor) for row in range(count)]]


def parts_of(model: Any) -> dict[Key, torch.nn.Parameter]:
    """The parameters of all adapters of a model, every name of a shared one."""
    named = model.named_parameters(remove_duplicate=False)
    found = ((upstream_names.part_of_adapter(name), parameter) for name, parameter in named)
    return {key: parameter for key, parameter in found if key is not None}


def merged_of(model: Any) -> frozenset[tuple[str, str]]:
    """The adapters that PEFT's layers say are merged into them: adapter and module."""
    return frozenset(
        (adapter, upstream_names.plain_name(name).removesuffix(upstream_names.TOKENS))
        for name, module in model.named_modules()
        for adapter in getattr(module, "merged_adapters", ())
    )


def adapter_folder(folder: str, name: str) -> str:
    """Where PEFT puts an adapter of this name: ``default`` into the folder itself."""
    return folder if name == upstream_names.ADAPTER else os.path.join(folder, name)  # noqa: PTH118


def case_of(program: Program, state: State) -> Case:
    """A case of the base as it is now."""
    return replace(program.base, dtype=state.dtype)
