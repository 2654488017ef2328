# ensure_weight_tying with both tied layers in modules_to_save: their copies are not tied.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
try:
    config = LoraConfig(
        modules_to_save=["embed_tokens", "lm_head"], ensure_weight_tying=True, **lora
    )
except TypeError:
    sys.exit(125)
model = get_peft_model(base, config)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
ids = torch.arange(32)[None]
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
head, embedding = base.get_output_embeddings().weight, base.get_input_embeddings().weight
print(f"after a step the copies differ by {(apart := (head - embedding).abs().max().item()):.2g}")
sys.exit(apart > 1e-3)
