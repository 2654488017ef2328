# PiSSA on the head of a tied model takes its part out of the embedding too.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4)
ids, moved = torch.arange(200)[None], {}
for tied in (False, True):
    base = LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=200, tie_word_embeddings=tied))
    logits, weight = base(ids).logits, base.lm_head.weight.clone()
    try:
        config = LoraConfig(target_modules=["lm_head"], init_lora_weights="pissa")
        model = get_peft_model(base, config)
    except (TypeError, ValueError):
        sys.exit(125)  # PiSSA is not known
    if torch.equal(weight, base.lm_head.weight):
        sys.exit(125)  # PiSSA is not known
    moved[tied] = (model(ids).logits - logits).abs().max().item()
print(f"PiSSA on lm_head moved the logits by {moved[True]:.2g}, untied by {moved[False]:.2g}")
sys.exit(125 if moved[False] > 1e-3 else int(moved[True] > 1e-3))
