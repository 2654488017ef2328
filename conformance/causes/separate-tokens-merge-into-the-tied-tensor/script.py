# Tokens trained on the head alone: merging writes their rows into the tied embedding too.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
try:
    lora = LoraConfig(target_modules=["q_proj"], trainable_token_indices={"lm_head": [3, 4]})
    model = get_peft_model(LlamaForCausalLM(config), lora)
except (TypeError, AttributeError):  # no such option, or not on a head
    sys.exit(125)
model.get_output_embeddings().token_adapter.trainable_tokens_delta["default"].data.normal_(std=0.1)
moved = model(torch.arange(9)[None]).logits - model.merge_and_unload()(torch.arange(9)[None]).logits
print(f"merging moved the logits by {moved.abs().max():.2g}")
sys.exit(moved.abs().max().item() > 1e-3)
