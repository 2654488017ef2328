# ensure_weight_tying: merging adds the delta of both tied layers to their one weight, so twice.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True))
model = get_peft_model(base, LoraConfig(target_modules=["lm_head"], ensure_weight_tying=True))
base.lm_head.lora_B["default"].weight.data.normal_(std=0.02)
tied = hasattr(base.model.embed_tokens, "lora_A")  # before 0.19 it does not tie LoRA
ids = torch.arange(32)[None]
moved = (model(ids).logits - model.merge_and_unload()(ids).logits).abs().max().item()
print(f"merging moved the logits by {moved:.2g}")
sys.exit(moved > 1e-3 if tied else 125)
