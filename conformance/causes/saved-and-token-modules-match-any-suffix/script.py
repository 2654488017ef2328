# Training tokens of a tied embedding changes another module whose name ends as the head's does.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
model = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
model.draft_lm_head = torch.nn.Linear(64, 200, bias=False)
hidden = torch.randn(1, 64)
before = model.draft_lm_head(hidden)
lora = LoraConfig(target_modules=["q_proj"], trainable_token_indices={"embed_tokens": [1, 2]})
get_peft_model(model, lora)
wrapped = not isinstance(model.draft_lm_head, torch.nn.Linear)
changed = (model.draft_lm_head(hidden) - before).abs().max().item()
print(f"draft_lm_head is wrapped: {wrapped}; what it gives has changed by {changed:.3g}")
sys.exit(wrapped or changed > 0)
