"""A tiny Wan pipeline around a text encoder: every part is made here, from a config or words."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from conformance.kinds.pipeline.available import PACKAGE
from tiny_models.values import fill

if TYPE_CHECKING:
    import torch

    from tiny_models.spec import ModelSpec

SPECIAL = ("<unk>", "<pad>", "<s>", "</s>")  # 0 to 3: ids 1 to 3 are those of every tiny config
WORDS = "a cat and dog bake cake in the rain"
PROMPTS = ("a cat and a dog bake a cake", "the dog in the rain")
LENGTH = 12  # tokens of a prompt with its padding
CHANNELS = 2
FRAMES = 4  # rows of the positions of the transformer
TRANSFORMER = {
    "patch_size": (1, 1, 1),
    "num_attention_heads": 1,
    "attention_head_dim": 12,  # shared out among time, height and width
    "in_channels": CHANNELS,
    "out_channels": CHANNELS,
    "freq_dim": 8,
    "ffn_dim": 16,
    "num_layers": 1,
    "rope_max_seq_len": 32,
}
VAE = {
    "base_dim": 4,
    "z_dim": CHANNELS,
    "dim_mult": [1],
    "num_res_blocks": 1,
    "temperal_downsample": [],
    "latents_mean": [0.0] * CHANNELS,
    "latents_std": [1.0] * CHANNELS,
}


def tokenizer(rows: int) -> Any:
    """A tokenizer trained from a few words, no more than the ``rows`` of an embedding."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    transformers: Any = import_module("transformers")  # its class here has no types
    unknown, padding, _, end = SPECIAL
    inner: Any = Tokenizer(models.WordLevel(unk_token=unknown))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(
        vocab_size=rows, special_tokens=list(SPECIAL), show_progress=False
    )
    inner.train_from_iterator([WORDS], trainer)
    inner.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, SPECIAL.index(end))]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token=unknown, pad_token=padding, eos_token=end
    )


def pipeline(text_encoder: Any, spec: ModelSpec) -> Any:
    """The pipeline that has this text encoder; the other parts have values from their names."""
    diffusers: Any = import_module(PACKAGE)
    transformer = diffusers.WanTransformer3DModel(**TRANSFORMER, text_dim=spec.hidden)
    vae = diffusers.AutoencoderKLWan(**VAE)
    for part in (transformer, vae):
        fill(part.eval(), spec.seed)
    return diffusers.WanPipeline(
        tokenizer=tokenizer(spec.vocab),
        text_encoder=text_encoder,
        transformer=transformer,
        vae=vae,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
    )


def encoded(pipe: Any) -> torch.Tensor:
    """What a pipeline makes of the prompts and of the empty one, (3, length, width)."""
    import torch

    with torch.no_grad():
        asked, against = pipe.encode_prompt(list(PROMPTS), max_sequence_length=LENGTH)
    return torch.cat([asked, against[:1]]).detach().clone()
