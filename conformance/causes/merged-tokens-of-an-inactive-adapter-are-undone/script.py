import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
try:
    config = LoraConfig(target_modules=["v_proj"], trainable_token_indices=[1, 2])
except TypeError:
    sys.exit(125)
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"]), adapter_name="a").eval()
model.add_adapter("b", config)
tokens = model.get_input_embeddings().token_adapter
tokens.trainable_tokens_delta["b"].data.normal_(std=0.1)
x = torch.arange(32)[None]
model.base_model.set_adapter(["a", "b"])
want = model(x).logits
model.set_adapter("a")
model.merge_adapter(adapter_names=["b"])
merged = list(tokens.merged_adapters)
off = float((model(x).logits - want).abs().max())
left = tokens.merged_adapters
print(f"merged {merged}; after a forward pass {left}, logits off by {off:.2g}")
sys.exit(off > 1e-3)
