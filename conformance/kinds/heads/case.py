"""A head case: a task, on a model of a family, with the adapter on its attention or embedding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from conformance.core.literals import chosen, literals
from tiny_models.families import FAMILIES
from tiny_models.spec import ModelSpec

DEVICE = "cpu"
"""Nothing here depends on where the model lies: it is looked at on one device."""
TARGETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"body": ("attention",), "embedding": ("attention", "embedding")}
)
LABELS = 3
"""The classes of a classifier."""


@dataclass(frozen=True)
class Task:
    """What a model is for.

    ``type`` is PEFT's word for it, ``auto`` the class of PEFT that finds base and adapter;
    ``models`` are the classes of transformers by family, ``heads`` the modules that PEFT saves
    whole; ``counts`` says that the head gives ``LABELS`` numbers; ``targets`` are what is tried.
    """

    type: str
    auto: str
    models: Mapping[str, str]
    heads: Mapping[str, str]
    counts: bool = True
    targets: tuple[str, ...] = tuple(TARGETS)


def _task(word: str, kind: str, llama: str, bert: str, **more: Any) -> Task:
    models = {"llama": f"LlamaFor{kind}", "bert": f"BertFor{kind}"}
    heads = {"llama": llama, "bert": bert}
    return Task(word, f"AutoPeftModelFor{kind}", models, heads, **more)


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "sequences": _task("SEQ_CLS", "SequenceClassification", "score", "classifier"),
        "tokens": _task("TOKEN_CLS", "TokenClassification", "score", "classifier"),
        "answers": _task(
            "QUESTION_ANS", "QuestionAnswering", "qa_outputs", "qa_outputs", counts=False
        ),
        "features": Task(
            "FEATURE_EXTRACTION",
            "AutoPeftModelForFeatureExtraction",
            {"llama": "LlamaModel", "bert": "BertModel"},
            {},
            counts=False,
        ),
        "translations": Task(
            "SEQ_2_SEQ_LM",
            "AutoPeftModelForSeq2SeqLM",
            {"bart": "BartForConditionalGeneration"},
            {},
            counts=False,
            targets=("body",),  # its embeddings and head are one: a subject of lifecycle runs
        ),
    }
)


@dataclass(frozen=True)
class HeadCase:
    """One adapter of one task; its ``repr`` is valid Python.

    ``says_tied`` is what the config says of the embedding, as it was when the model had the head of
    a language model: a classifier has none that could be tied.
    """

    device: str = DEVICE
    task: str = "sequences"
    family: str = "llama"
    targets: str = "body"
    says_tied: bool = True
    seed: int = 0

    @property
    def what(self) -> Task:
        """The task by what it is."""
        return TASKS[self.task]

    @property
    def spec(self) -> ModelSpec:
        """Sizes and names of the model."""
        return ModelSpec(family=self.family, tied=self.says_tied, seed=self.seed)

    @property
    def model(self) -> str:
        """The class of the base."""
        return self.what.models[self.family]

    @property
    def head(self) -> str:
        """The module that is saved whole, or ``""``."""
        return self.what.heads.get(self.family, "")

    @property
    def names(self) -> tuple[str, ...]:
        """What the adapter stands on, as people call it."""
        roles = FAMILIES[self.family].roles
        found = (name for role in TARGETS[self.targets] for name in roles[role])
        return tuple(name.rpartition(".")[2] for name in found)

    @property
    def id(self) -> str:
        """``<device>-<task>-<family>-<tied|untied>-<targets>``."""
        tie = "tied" if self.says_tied else "untied"
        return f"{self.device}-{self.task}-{self.family}-{tie}-{self.targets}"


def head_cases(devices: tuple[str, ...], families: tuple[str, ...]) -> list[HeadCase]:
    """Every case of these devices and families; what a config says of ties on an embedding."""
    return [
        HeadCase(DEVICE, task, family, targets, says_tied)
        for task, what in TASKS.items()
        for family in what.models
        for targets in what.targets
        for says_tied in ((True, False) if (family, targets) == ("llama", "embedding") else (True,))
        if DEVICE in devices and family in families
    ]


def parse_head_case(text: str) -> HeadCase:
    """Read ``HeadCase(...)`` as literals; raises CaseError, in one sentence."""
    values: dict[str, Any] = literals(text, "HeadCase")
    task = TASKS.get(str(values.get("task", HeadCase.task)), TASKS[HeadCase.task])
    accepted: dict[str, tuple[Any, ...]] = {
        "device": (DEVICE,),
        "task": tuple(TASKS),
        "family": tuple(task.models),
        "targets": task.targets,
        "says_tied": (True, False),
        "seed": (0,),
    }
    return HeadCase(
        **chosen({"family": next(iter(task.models)), **values}, accepted, "a head case")
    )
