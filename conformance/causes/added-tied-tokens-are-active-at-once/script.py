# Adapter a is active; b, which trains tokens of the embedding, is added and must not count yet.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if "trainable_token_indices" not in LoraConfig.__dataclass_fields__:
    sys.exit(125)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
ids, moved = torch.arange(32)[None], []
for tied in (False, True):
    torch.manual_seed(0)
    config = LlamaConfig(num_attention_heads=4, tie_word_embeddings=tied, **sizes)
    model = get_peft_model(LlamaForCausalLM(config), LoraConfig(**lora), "a")
    before = model(ids).logits
    model.add_adapter("b", LoraConfig(trainable_token_indices=[1, 2], **lora))
    delta = model.get_input_embeddings().token_adapter.trainable_tokens_delta["b"]
    delta.data.normal_(std=0.1)
    moved.append((model(ids).logits - before).abs().max().item())
print(f"the inactive b moves the logits by {moved[0]:.2g}; of a tied model by {moved[1]:.2g}")
sys.exit(max(moved) > 1e-3)
