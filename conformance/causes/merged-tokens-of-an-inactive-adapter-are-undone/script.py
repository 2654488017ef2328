# Merging the trained tokens of an adapter that is not active: the next forward pass undoes it.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"]))
model.add_adapter("b", LoraConfig(target_modules=["q_proj"], trainable_token_indices=[1, 2]))
model.set_adapter("default")
model.merge_adapter(adapter_names=["b"])
tokens = model.get_input_embeddings().token_adapter
model(torch.arange(32)[None])
print(f"b was merged, and after a forward pass these tokens are: {tokens.merged_adapters}")
sys.exit("b" not in tokens.merged_adapters)
