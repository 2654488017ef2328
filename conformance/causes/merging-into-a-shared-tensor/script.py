# LoRA on the head of a tied model: merging changes the embedding too, which had no adapter.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0, init_lora_weights=False)
ids, moved = torch.arange(200)[None], {}
for tied in (False, True):
    config = LlamaConfig(hidden_size=64, num_hidden_layers=1, tie_word_embeddings=tied)
    base = LlamaForCausalLM(config)
    model = get_peft_model(base, LoraConfig(target_modules=["lm_head"], **lora))
    logits = model(ids).logits
    moved[tied] = (model.merge_and_unload()(ids).logits - logits).abs().max().item()
print(f"merging moved the logits by {moved[True]:.2g}, of an untied model by {moved[False]:.2g}")
sys.exit(125 if moved[False] > 1e-3 else moved[True] > 1e-3)
