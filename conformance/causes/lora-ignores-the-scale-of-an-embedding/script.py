# LoRA on Gemma 3's embedding, which scales what it looks up: LoRA's part is not scaled.
import sys

import torch
from peft import LoraConfig, get_peft_model

try:
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
heads = {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 16, "pad_token_id": 0}
base = Gemma3ForCausalLM(Gemma3TextConfig(tie_word_embeddings=False, **heads, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["embed_tokens"]}
model = get_peft_model(base, LoraConfig(**lora)).eval()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
model(input_ids=(ids := torch.arange(4, 36)[None]), labels=ids).loss.backward()
optimizer.step()
want = model(ids).logits
try:
    moved = (model.merge_and_unload()(ids).logits - want).abs().max().item()
except AttributeError:  # an embedding could not be merged at all
    sys.exit(125)
sys.exit(print(f"merging moved the logits by {moved:.2g}") or moved > 1e-3)
