"""The live model of a program: every operation as a user calls it."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import compat, naming
from conformance.case import Case
from conformance.devices import torch_device
from conformance.hearing import hearing
from conformance.programs.plan import placed
from conformance.programs.program import PLACED, WEIGHTS, Program
from conformance.programs.state import State
from conformance.snapshot import flags, reached, saved
from conformance.training import value
from tiny_models import build as tiny
from tiny_models.build import inputs
from tiny_models.compat import resize
from tiny_models.families import FAMILIES
from tiny_models.roles import module_names
from tiny_models.seeding import seeded
from tiny_models.values import refill

if TYPE_CHECKING:
    import torch

    from conformance.programs.observation import Key


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

    def config(self, state: State, name: str, placement: str, rank: int, alpha: int) -> Any:
        """An adapter's config, as its user writes it."""
        place, one = PLACED[placement], placed(state, name, placement, rank, alpha)

        def short(role: str) -> list[str]:
            wanted = role if role in self.roles else "mlp"
            return list(dict.fromkeys(n.rpartition(".")[2] for n in self.roles[wanted]))

        arguments: dict[str, Any] = {
            "task_type": "CAUSAL_LM",
            "r": rank,
            "lora_alpha": alpha,
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
        if state.ensure:
            arguments["ensure_weight_tying"] = True
        return compat.lora_config(**arguments)

    def wrap(self, state: State, name: str, *how: Any) -> None:
        """``get_peft_model``; the adapter gets values from names."""
        self.pristine = copy.deepcopy(self.model)
        config = self.config(state, name, *how)
        self.model = compat.wrap(self.model, config, autocast=self.program.autocast, name=name)
        self._fill(state, name, *how)

    def add(self, state: State, name: str, *how: Any) -> None:
        """``add_adapter``; the adapter gets values from names."""
        config = self.config(state, name, *how)
        self.model.add_adapter(name, config, autocast_adapter_dtype=self.program.autocast)
        self._fill(state, name, *how)

    def _fill(self, state: State, name: str, *how: Any) -> None:
        import torch

        _, rank, alpha = how
        like = replace(self.case, dtype=state.dtype, rank=rank, alpha=alpha)
        done: set[int] = set()
        met = self._reached(state, name, *how)
        with torch.no_grad():
            for key, parameter in self.parts().items():
                where = parameter.untyped_storage().data_ptr()
                if key in met and where not in done:
                    done.add(where)
                    parameter.copy_(value(" ".join(key), key[2], parameter, like))

    def _reached(self, state: State, name: str, *how: Any) -> frozenset[Key | None]:
        """The parts of an adapter that a gradient reaches where it is alone on the plain base.

        Beside others it may stand inactive, or on what is merged.
        """
        with seeded(0), hearing("reached", [], hide=os.fspath(self.folder)):
            alone = self.model
            if len(alone.peft_config) > 1:
                config, base = self.config(state, name, *how), copy.deepcopy(self.pristine)
                alone = compat.wrap(base, config, autocast=self.program.autocast, name=name)
            met = reached(alone, self.inputs)
        return frozenset(map(naming.part_of_adapter, met))

    def parts(self) -> dict[Key, torch.nn.Parameter]:
        """The parameters of all adapters, every name of a shared one."""
        return parts_of(self.model)

    def base(self) -> dict[str, torch.nn.Parameter]:
        """The parameters of the base by plain name, both of a tie."""
        return {
            naming.plain_name(name): parameter
            for name, parameter in self.model.named_parameters(remove_duplicate=False)
            if naming.part_of_adapter(name) is None
        }

    def activate(self, _state: State, names: tuple[str, ...]) -> None:
        """Several adapters at once: a call of the tuner's, as its documentation shows."""
        self.model.base_model.set_adapter(list(names))

    def set(self, _state: State, name: str) -> None:
        """``set_adapter``."""
        self.model.set_adapter(name)

    def disable(self, _state: State) -> None:
        """``disable_adapter_layers``."""
        self.model.base_model.disable_adapter_layers()

    def enable(self, _state: State) -> None:
        """``enable_adapter_layers``."""
        self.model.base_model.enable_adapter_layers()

    def merge(self, _state: State, names: tuple[str, ...]) -> None:
        """``merge_adapter``."""
        self.model.merge_adapter(adapter_names=list(names) or None)

    def unmerge(self, _state: State) -> None:
        """``unmerge_adapter``."""
        self.model.unmerge_adapter()

    def delete(self, _state: State, name: str) -> None:
        """``delete_adapter``."""
        self.model.delete_adapter(name)

    def weighted(self, state: State, name: str, names: tuple[str, ...], how: str) -> None:
        """``add_weighted_adapter``; ``svd`` with all the rank that the sum needs."""
        more: dict[str, Any] = {}
        if how == "svd":
            more["svd_rank"] = sum(one.rank for n in names for one in state.named(n))
        self.model.add_weighted_adapter(
            list(names), list(WEIGHTS[: len(names)]), name, combination_type=how, **more
        )

    def save(self, *names: str) -> str:
        """Save these adapters; the folder."""
        folder = self.fresh_folder()
        self.model.save_pretrained(folder, selected_adapters=list(names))
        return folder

    def load(self, _state: State, source: str, name: str) -> None:
        """``save_pretrained`` of one adapter and ``load_adapter`` under another name."""
        compat.load_more(self.model, adapter_folder(self.save(source), source), name)

    def reopen(self, state: State, way: str) -> None:
        """Save all adapters, and load them onto a fresh base."""
        first = state.active[0]
        if way == "auto":
            base = self.fresh_folder()
            self.pristine.save_pretrained(base)
            for config in self.model.peft_config.values():
                config.base_model_name_or_path = base
        folder = self.save(*state.names)
        if way == "auto":
            import torch

            kind = getattr(torch, state.dtype)
            self.model = compat.load_with_base(adapter_folder(folder, first), first, kind)
            self.model.to(self.device)
        else:
            self.model = compat.load_adapter(
                copy.deepcopy(self.pristine),
                adapter_folder(folder, first),
                low_cpu_mem_usage=False,
                is_trainable=True,
                name=first,
            )
        for name in state.names:
            if name != first:
                compat.load_more(self.model, adapter_folder(folder, name), name)

    def native(self, name: str) -> Any:
        """A fresh base with an adapter that transformers loaded itself."""
        model = copy.deepcopy(self.pristine)
        model.load_adapter(adapter_folder(self.save(name), name), adapter_name=name)
        return model

    def resize(self, state: State, count: int) -> None:
        """``resize_token_embeddings``; the new rows get values from names."""
        import torch

        before = {name: len(one) for name, one in self.base().items() if one.ndim}
        rows = self.case.vocab + state.rows + count
        resize(self.model, rows)
        if self.wrapped:
            resize(self.pristine, rows)
        for model in (self.model, *((self.pristine,) if self.wrapped else ())):
            named = {
                naming.plain_name(name): one
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

    def merge_and_unload(self, _state: State, names: tuple[str, ...]) -> None:
        """``merge_and_unload``."""
        self.model = self.model.merge_and_unload(adapter_names=list(names) or None)
        self.pristine = None

    def unload(self, _state: State) -> None:
        """``unload``."""
        self.model = self.model.unload()
        self.pristine = None

    def reload(self, state: State, dtype: str) -> None:
        """``save_pretrained`` and ``from_pretrained`` of the plain model."""
        from transformers import AutoModelForCausalLM

        folder = Path(self.fresh_folder())
        self.model.save_pretrained(folder)
        self.file_flags = saved(folder).flags
        wanted = state.dtype if dtype == "same" else dtype
        self.model, _ = tiny.load(AutoModelForCausalLM, folder, dtype=wanted)
        self.model.to(self.device)

    @contextmanager
    def without(self) -> Iterator[Any]:
        """The model in ``with model.disable_adapter()``."""
        with self.model.disable_adapter():
            yield self.model

    def flags(self) -> Mapping[str, bool | None]:
        """Every ``tie_word_embeddings`` of the model's config."""
        return flags(self.model.config.to_dict())


def parts_of(model: Any) -> dict[Key, torch.nn.Parameter]:
    """The parameters of all adapters of a model, every name of a shared one."""
    named = model.named_parameters(remove_duplicate=False)
    found = ((naming.part_of_adapter(name), parameter) for name, parameter in named)
    return {key: parameter for key, parameter in found if key is not None}


def adapter_folder(folder: str, name: str) -> str:
    """Where PEFT puts an adapter of this name: ``default`` into the folder itself."""
    return folder if name == naming.ADAPTER else os.path.join(folder, name)  # noqa: PTH118


def case_of(program: Program, state: State) -> Case:
    """A case of the base as it is now."""
    return replace(program.base, dtype=state.dtype)
