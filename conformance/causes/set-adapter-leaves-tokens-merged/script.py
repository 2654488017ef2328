# merge_adapter, then set_adapter, which says that it unmerges: rows of trained tokens stay merged.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if "trainable_token_indices" not in LoraConfig.__dataclass_fields__:
    sys.exit(125)
torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(trainable_token_indices=[1, 2], **lora), "a")
model.add_adapter("b", LoraConfig(trainable_token_indices=[3, 4], **lora))
for delta in model.get_input_embeddings().token_adapter.trainable_tokens_delta.values():
    delta.data.normal_(std=0.1)
model.set_adapter("b")
before = model(torch.arange(32)[None]).logits
model.set_adapter("a")
model.merge_adapter()
model.set_adapter("b")
off = (model(torch.arange(32)[None]).logits - before).abs().max().item()
print(f"adapter b computes other logits after a was merged, by {off:.2g}")
sys.exit(off > 1e-3)
