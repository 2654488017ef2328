"""A model of our own, whose modules have names that contain one another or PEFT's own words.

Transformers has none that has them all. Scripts carry the source of these classes with them.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationMixin,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import CausalLMOutput


class NamesConfig(PretrainedConfig):  # type: ignore[no-untyped-call]
    """The config of a small decoder without attention: every token mixes with those before it."""

    model_type = "names"

    def __init__(
        self,
        vocab_size: int = 24,
        hidden_size: int = 16,
        num_hidden_layers: int = 1,
        *,
        tie_word_embeddings: bool = False,
        **more: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.use_cache = False  # the model remembers nothing: it computes all from the beginning
        super().__init__(**more)
        self.tie_word_embeddings = tie_word_embeddings


class NamesLayer(torch.nn.Module):
    """Six matrices, of whose names each is the end or the beginning of another one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.proj = torch.nn.Linear(width, width, bias=False)
        self.other_proj = torch.nn.Linear(width, width, bias=False)
        self.head11 = torch.nn.Linear(width, width, bias=False)
        self.head1 = torch.nn.Linear(width, width, bias=False)
        self.subhead = torch.nn.Linear(width, 4 * width, bias=False)
        self.embed_proj = torch.nn.Linear(4 * width, width, bias=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Mix, as attention with equal weights would, and then each token by itself."""
        seen = self.norm(hidden)
        count = torch.arange(1, seen.shape[1] + 1, device=seen.device).to(seen.dtype)[:, None]
        mixed = self.other_proj(self.proj(seen).cumsum(dim=1) / count)
        hidden = hidden + mixed + torch.tanh(self.head11(seen))
        found: torch.Tensor = self.embed_proj(torch.tanh(self.subhead(self.head1(hidden))))
        return hidden + found


class NamesForCausalLM(PreTrainedModel, GenerationMixin):  # type: ignore[no-untyped-call]
    """An embedding called embed and a head called head, tied where the config says so."""

    config_class = NamesConfig
    base_model_prefix = "body"
    # transformers 4 takes the keys alone
    _tied_weights_keys = {"head.weight": "embed.weight"}  # noqa: RUF012

    def __init__(self, config: NamesConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.embed = torch.nn.Embedding(config.vocab_size, width)
        self.embed_tokens2 = torch.nn.Embedding(32, width)
        every = range(config.num_hidden_layers)
        self.layers = torch.nn.ModuleList([NamesLayer(width) for _ in every])
        self.norm = torch.nn.LayerNorm(width)
        self.head = torch.nn.Linear(width, config.vocab_size, bias=False)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_input_embeddings(self) -> torch.nn.Module:
        """What looks tokens up."""
        return self.embed

    def set_input_embeddings(self, value: Any) -> None:
        """Another embedding, as after resizing."""
        self.embed = value

    def get_output_embeddings(self) -> torch.nn.Module:
        """The head."""
        return self.head

    def set_output_embeddings(self, new_embeddings: Any) -> None:
        """Another head, as after resizing."""
        self.head = new_embeddings

    def _init_weights(self, module: torch.nn.Module) -> None:
        if isinstance(module, (torch.nn.Linear, torch.nn.Embedding)):
            torch.nn.init.normal_(module.weight, std=0.02)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **more: Any,
    ) -> CausalLMOutput:
        """Logits, and the loss of the next tokens; every token counts, whatever the mask."""
        del more
        hidden = self.embed(input_ids) if inputs_embeds is None else inputs_embeds
        hidden = hidden + self.embed_tokens2(torch.arange(hidden.shape[1], device=hidden.device))
        for layer in self.layers:
            hidden = layer(hidden)
        logits = self.head(self.norm(hidden))
        loss = None
        if labels is not None:
            loss = torch.nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
            )
        return CausalLMOutput(loss=loss, logits=logits)


AutoConfig.register("names", NamesConfig)
AutoModelForCausalLM.register(NamesConfig, NamesForCausalLM)
