"""A pipeline case: what became of the text encoder before the pipeline was saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from conformance.core.literals import chosen, literals
from conformance.kinds.loading.case import LoadingCase
from tiny_models.spec import ModelSpec

DEVICE = "cpu"
"""Nothing here depends on where the pipeline lies: it is looked at on one device."""
FAMILY = "umt5-encoder"


@dataclass(frozen=True)
class Variant:
    """One life of a text encoder.

    ``targets`` are the modules that a LoRA is put on, and merged into, before the pipeline is
    saved; ``untied`` says that ``text_encoder/config.json`` calls the embeddings untied.
    """

    text: str
    targets: tuple[str, ...] = ()
    untied: bool = False


# Not "q" alone: PEFT 0.3 takes a name for every module whose path ends in its letters.
ATTENTION = tuple(f"SelfAttention.{name}" for name in ("q", "k", "v", "o"))
VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "plain": Variant("the pipeline as it was built"),
        "untied-config": Variant(
            "text_encoder/config.json says tie_word_embeddings false, as Wan's own does",
            untied=True,
        ),
        "merged-lora": Variant(
            "a LoRA on the text encoder's attention, merged before saving", ATTENTION
        ),
        "merged-lora-untied-config": Variant(
            "that LoRA merged, and that config", ATTENTION, untied=True
        ),
        "merged-lora-on-embedding": Variant(
            "a LoRA on `encoder.embed_tokens`, which the encoder reads", ("encoder.embed_tokens",)
        ),
        "merged-lora-on-shared": Variant(
            "a LoRA on `shared`, which is the same matrix and is never called", ("shared",)
        ),
    }
)


@dataclass(frozen=True)
class PipelineCase:
    """One pipeline saved and loaded once; its ``repr`` is valid Python."""

    device: str = DEVICE
    variant: str = "plain"

    @property
    def loading(self) -> LoadingCase:
        """How its text encoder is loaded: from a checkpoint, as any other of its family."""
        checkpoint = "untied-config" if self.what.untied else "full"
        return LoadingCase(self.device, FAMILY, checkpoint)

    @property
    def family(self) -> str:
        """The family of the text encoder."""
        return self.loading.family

    @property
    def checkpoint(self) -> str:
        """The kind of its checkpoint."""
        return self.loading.checkpoint

    @property
    def form(self) -> str:
        """What its file holds, in whatever layout."""
        return self.loading.form

    @property
    def tied(self) -> bool:
        """Whether the saved text encoder's matrices are one."""
        return self.loading.tied

    @property
    def spec(self) -> ModelSpec:
        """The text encoder that is saved."""
        return self.loading.spec

    @property
    def id(self) -> str:
        """``<device>-<variant>``."""
        return f"{self.device}-{self.variant}"

    @property
    def what(self) -> Variant:
        """The variant by what it does."""
        return VARIANTS[self.variant]


def pipeline_cases(
    devices: tuple[str, ...], families: tuple[str, ...], kinds: tuple[str, ...]
) -> list[PipelineCase]:
    """Every pipeline case of these devices, families and kinds of checkpoint."""
    if DEVICE not in devices or FAMILY not in families:
        return []
    cases = [PipelineCase(DEVICE, variant=name) for name in VARIANTS]
    return [case for case in cases if case.checkpoint in kinds]


def parse_pipeline_case(text: str) -> PipelineCase:
    """Read ``PipelineCase(...)`` as literals; raises CaseError, in one sentence."""
    accepted = {"device": (DEVICE,), "variant": tuple(VARIANTS)}
    return PipelineCase(**chosen(literals(text, "PipelineCase"), accepted, "a pipeline case"))
