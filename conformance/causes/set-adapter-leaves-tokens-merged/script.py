# merge_adapter, then set_adapter, which says that it unmerges: rows of trained tokens stay merged.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"], trainable_token_indices=[1, 2]))
model.add_adapter("b", LoraConfig(target_modules=["q_proj"], trainable_token_indices=[3, 4]))
model.merge_adapter()
model.set_adapter("b")
left = model.get_input_embeddings().token_adapter.merged_adapters
print(f"b is set, and in the rows of the embedding these are still merged: {left}")
sys.exit(bool(left))
