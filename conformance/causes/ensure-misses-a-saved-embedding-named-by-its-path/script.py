# ensure_weight_tying ties the head to a saved "embed_tokens", but not to "model.embed_tokens".
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
apart = {}
for name in ("embed_tokens", "model.embed_tokens"):
    torch.manual_seed(0)
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
    try:
        config = LoraConfig(modules_to_save=[name], ensure_weight_tying=True, **lora)
    except TypeError:
        sys.exit(125)
    model = get_peft_model(base, config)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    model(input_ids=(ids := torch.arange(32)[None]), labels=ids).loss.backward()
    optimizer.step()
    head, embedding = base.get_output_embeddings().weight, base.get_input_embeddings().weight
    apart[name] = round((head - embedding).abs().max().item(), 4)
print(f"after a step head and embedding differ by {apart}")
sys.exit(apart["model.embed_tokens"] > 1e-3)
