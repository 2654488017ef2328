# A name in modules_to_save, or of a tied head whose tokens are trained, takes what ends as it does.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora = {"lora_alpha": 8, "lora_dropout": 0.0}
torch.manual_seed(0)
hidden = torch.randn(1, 64)
taken = []
for asked in ({"modules_to_save": ["lm_head"]}, {"trainable_token_indices": {"embed_tokens": [1]}}):
    if not all(hasattr(LoraConfig(), name) for name in asked):
        continue
    model = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
    model.draft_lm_head = torch.nn.Linear(64, 200, bias=False)
    before = model.draft_lm_head(hidden)
    get_peft_model(model, LoraConfig(target_modules=["q_proj"], **lora, **asked))
    changed = (model.draft_lm_head(hidden) - before).abs().max().item()
    print(f"{asked}: {type(model.draft_lm_head).__name__}, and gives {changed:.3g} more or less")
    taken += [asked] * (type(model.draft_lm_head) is not torch.nn.Linear)
sys.exit(bool(taken))
