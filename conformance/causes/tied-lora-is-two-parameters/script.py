# ensure_weight_tying: the tied LoRA weights are two parameters over one storage: each is stepped.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "vocab_size": 200}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
try:
    lora = LoraConfig(r=8, target_modules=["lm_head"], ensure_weight_tying=True)
    weight = get_peft_model(base, lora).get_input_embeddings().lora_embedding_A["default"]
except (TypeError, AttributeError):  # before 0.19 it does not tie what target_modules names
    sys.exit(125)
before, ids = weight.detach().clone(), torch.arange(40)[None]
optimizer = torch.optim.Adam([p for p in base.parameters() if p.requires_grad], lr=0.01)
base(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
moved = (weight - before).abs().max().item()
print(f"one Adam step with lr=0.01 moved the tied weight by {moved:.3f}")
sys.exit(moved > 0.015)
