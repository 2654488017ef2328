# Merging the trained tokens of an adapter that is not active: the next forward pass undoes it.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"]))
model.add_adapter("b", LoraConfig(target_modules=["q_proj"], trainable_token_indices=[1, 2]))
rows = model.get_input_embeddings().token_adapter.trainable_tokens_delta["b"].data.normal_(std=0.1)
model.merge_adapter(adapter_names=["b"])
off = (model.get_input_embeddings()(torch.tensor([1, 2])) - rows).abs().max().item()
print(f"b is merged, and what the embedding gives for its tokens is off by {off:.2g}")
sys.exit(off > 1e-3)
