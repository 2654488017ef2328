"""What a script about one case is written with: names, literals and the calls of its life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.core.case import BODY, Case
from conformance.core.placements import ENDS, PLACEMENTS, Placement
from conformance.core.versions import installed
from conformance.engine.lora_arguments import lora_arguments
from conformance.reproducer.code import call, literal
from conformance.reproducer.shapes import auto_class, inputs, path
from tiny_models.families import FAMILIES, Family


class NotReproducible(Exception):  # noqa: N818  it is an answer, not an error
    """No script can be written; the message is one sentence for the user."""


@dataclass(frozen=True)
class Writing:
    """A case, and how each thing of its life is written."""

    case: Case

    @property
    def family(self) -> Family:
        """The family's entry."""
        return FAMILIES[self.case.family]

    @property
    def placement(self) -> Placement:
        """The case's row of the grid."""
        return PLACEMENTS[self.case.placement]

    @property
    def matrices(self) -> dict[str, str]:
        """Full names of the modules that hold the tied matrix, by role, the source first."""
        here = installed("transformers")
        return {role: path(self.family, role, here) for role in self.family.matrices}

    @property
    def embedding(self) -> str:
        """Full module name of the input embedding."""
        return self.matrices["embedding"]

    @property
    def head(self) -> str:
        """Full module name of the head, empty where there is none."""
        return self.matrices.get("head", "")

    @property
    def several(self) -> bool:
        """Whether more is one in a tied model than embedding and head, or less."""
        return list(self.matrices) != ["embedding", "head"]

    @property
    def sides_are_one(self) -> bool:
        """Whether even an untied base may have one tensor for several of its embeddings."""
        return bool(self.family.copies) and not self.case.tied

    @property
    def body_within(self) -> str:
        """What the full names of attention and mlp modules begin with, beside a vision tower."""
        within = f"{self.embedding.rpartition('.')[0]}."
        return within if self.family.shape == "image-text" else ""

    @property
    def tied_configs(self) -> list[str]:
        """Names of the configs inside the config that say whether they are tied."""
        # a vision tower's says so up to transformers 4
        older = installed("transformers").startswith("4.")
        return [name for name in self.family.sizes.nested if older or name == "text_config"]

    def set_tie(self, tied: str) -> str:
        """Statements after which ``config`` says on every level whether it is tied."""
        nested = [f"config.{name}" for name in self.tied_configs]
        if not nested:
            return f"config.tie_word_embeddings = {tied}"
        parts = ", ".join(["config", *nested])
        return f"for part in ({parts}):\n    part.tie_word_embeddings = {tied}"

    @property
    def dtype(self) -> str:
        """The keyword argument that loads in the case's precision."""
        return self.loads_in(self.case.dtype)

    def loads_in(self, dtype: str) -> str:
        """The keyword argument of ``from_pretrained`` for a precision, renamed in 4.56."""
        major, minor = [*installed("transformers").split("."), "0"][:2]
        old = major == "4" and minor.isdigit() and int(minor) < 56  # noqa: PLR2004
        return f"{'torch_dtype' if old else 'dtype'}=torch.{dtype}"

    @property
    def to_device(self) -> str:
        """How a base gets to where its adapter is made."""
        away = self.case.device == "cuda" and self.case.crossing != "start-on-cpu"
        return '.to("cuda")' if away else ""

    @property
    def about(self) -> str:
        """What the script is about, in its docstring."""
        return repr(self.case)

    @property
    def given_config(self) -> str:
        """The call that makes the base's config, where it was given and not drawn."""
        return ""

    @property
    def inputs(self) -> dict[str, str]:
        """Constants that hold what the model is called with, ``INPUTS`` the last of them."""
        return inputs(self.case)

    @property
    def adapter_class(self) -> str:
        """The class of the adapter's config."""
        return "LoraConfig"

    @property
    def moved(self) -> float | None:
        """How much is added to all that trains, where it is not LoRA's to be replaced."""
        return None

    @property
    def lora_config(self) -> str:
        """``LoraConfig(...)``; full paths of body modules are looked up in ``base``."""
        return call(self.adapter_class, self._adapter)

    @property
    def lora_arguments(self) -> str:
        """``dict(...)`` of the same arguments."""
        return call("dict", self._adapter)

    @property
    def _adapter(self) -> dict[str, str]:
        body = {role: getattr(self.family, role) for role in ("attention", "mlp")}
        roles = {role: (name,) for role, name in self.matrices.items()}
        roles |= {role: names for role, names in body.items() if names}
        arguments = lora_arguments(self.case, roles)
        del arguments["lora_dropout"]
        if arguments["bias"] == "none":
            del arguments["bias"]
        written = {name: literal(value) for name, value in arguments.items()}
        if self.case.writing == "paths":
            looked_up = {name for names in body.values() for name in names}
            written["target_modules"] = _paths(arguments["target_modules"], looked_up)
        return written

    @property
    def body_targets(self) -> tuple[list[str] | None, list[str]]:
        """Last names of the body modules asked for (None: all linear ones) and left out."""
        left_out = list(self.family.mlp) if self.case.excluded else []
        if self.case.writing == "all-linear":
            return None, left_out
        roles = [role for role in (*self.placement.target, *self.case.also) if role in BODY]
        carriers = [role if getattr(self.family, role) else "mlp" for role in roles]
        names = [name for role in carriers for name in getattr(self.family, role)]
        return list(dict.fromkeys(names)), left_out

    @property
    def base(self) -> str:
        """``base = ...``, with its vocabulary grown where the adapter's will be."""
        made = f"{self.make_base}{self.to_device}"
        if self.case.grown:
            return f"small = {made}\nbase = grow(copy.deepcopy(small))"
        return "\n".join([f"base = {made}", *self._sides])

    @property
    def _sides(self) -> list[str]:
        """Statements that end a life whose encoder or decoder has no embedding module itself."""
        sides = self.placement.touches - {*ENDS}
        return [
            f"assert base.{self.matrices[side]} is not base.{self.embedding}, "
            f'"no {side} of its own"'
            for side in sorted(sides)
        ]

    @property
    def make_base(self) -> str:
        """The call that makes the base."""
        return "load_base(work)" if self.loaded else "build()"

    @property
    def loaded(self) -> bool:
        """Whether the base comes out of a checkpoint."""
        return self.case.base != "built" or self.case.dtype != "float32"

    @property
    def wrap(self) -> str:
        """The call that puts a fresh adapter on a copy of the base."""
        return f"wrap({'small' if self.case.grown else 'base'})"

    @property
    def train(self) -> str:
        """Statements that give ``model`` its trained values."""
        return "fill_adapter(model)" + ("" if self.case.training == "values" else "\nsteps(model)")

    @property
    def adapted(self) -> str:
        """Statements up to the wrapped ``model``, with PEFT's own initial values."""
        return f"{self.base}\nmodel = {self.wrap}"

    @property
    def trained(self) -> str:
        """Statements up to the trained ``model``."""
        return f"{self.adapted}\n{self.train}"

    @property
    def again(self) -> str:
        """Statements that make another trained ``model`` from the same base."""
        return f"model = {self.wrap}\n{self.train}"

    def merge(self, *, otherwise: bool = False) -> str:
        """The expression that merges ``model``, as the case does or the other way round."""
        safe = self.case.safe_merge != otherwise
        return f"model.merge_and_unload({'safe_merge=True' if safe else ''})"

    def save(self, model: str, folder: str) -> str:
        """The statement that saves a plain model."""
        # below the size of a tiny checkpoint, so that it is cut in several files
        shards = ', max_shard_size="6KB"' if self.case.sharded else ""
        return f'{model}.save_pretrained(work / "{folder}"{shards})'

    def reload(self, extra: str = "") -> str:
        """The expression that loads the merged model again."""
        auto = self.case.loader == "auto"
        loader = auto_class(self.family, installed("transformers")) if auto else self.family.model
        same = self.case.reload_dtype == "same"
        dtype = self.case.dtype if same else self.case.reload_dtype
        return f'{loader}.from_pretrained(work / "merged", {self.loads_in(dtype)}{extra})'

    @property
    def reload_to_device(self) -> str:
        """How the reloaded model gets to where the case has it."""
        away = self.case.device == "cuda" and self.case.crossing != "reload-on-cpu"
        return '.to("cuda")' if away else ""

    @property
    def save_adapter(self) -> str:
        """The statement that saves the adapter of ``model``."""
        return self.save_adapter_in("adapter")

    def save_adapter_in(self, folder: str) -> str:
        """The statement that saves the adapter of ``model`` in a folder."""
        value = {"auto": "", "yes": "True", "no": "False"}[self.case.save_embedding_layers]
        extra = f", save_embedding_layers={value}" if value else ""
        return f'model.save_pretrained(work / "{folder}"{extra})'

    @property
    def load_adapter(self) -> str:
        """The expression that loads the saved adapter onto a fresh base."""
        options: dict[str, Any] = {}
        if self.case.low_cpu_mem_usage:
            options["low_cpu_mem_usage"] = True
        if self.case.is_trainable:
            options["is_trainable"] = True
        if not self.case.autocast:
            options["autocast_adapter_dtype"] = False
        # PEFT would read onto an accelerator even for a base that lies on the CPU
        options["torch_device"] = "cuda" if self.to_device else "cpu"
        extra = "".join(f", {key}={literal(value)}" for key, value in options.items())
        return f'PeftModel.from_pretrained(copy.deepcopy(base), work / "adapter"{extra})'


def _paths(names: list[str], looked_up: set[str]) -> str:
    written = [literal(name) for name in names if name not in looked_up]
    short = [literal(name) for name in names if name in looked_up]
    if short:
        written.append(f"*paths(base, {', '.join(short)})")
    return f"[{', '.join(written)}]"
