# An adapter that trains tokens of a tied embedding is added: it counts though another is active.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
torch.manual_seed(0)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
model = get_peft_model(LlamaForCausalLM(config), LoraConfig(target_modules=["q_proj"]))
before = model(torch.arange(32)[None]).logits
model.add_adapter("b", LoraConfig(target_modules=["q_proj"], trainable_token_indices=[1, 2]))
model.get_input_embeddings().token_adapter.trainable_tokens_delta["b"].data.normal_(std=0.1)
moved = (model(torch.arange(32)[None]).logits - before).abs().max().item()
print(f"the inactive b moves the logits by {moved:.2g}")
sys.exit(moved > 1e-3)
