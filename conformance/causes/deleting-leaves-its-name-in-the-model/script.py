import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"]), adapter_name="a").eval()
try:
    for name in ("b", "c"):
        model.add_adapter(name, LoraConfig(target_modules=["q_proj"]))
    model.base_model.set_adapter(["b", "c"])
    model.delete_adapter("a")
    told = list(model.active_adapters)
except (AttributeError, TypeError):
    sys.exit(125)  # several adapters cannot be active
try:
    model(torch.arange(32)[None])
    error = "runs"
except KeyError as found:
    error = f"ends in KeyError: {found}"
print(f"adapters {list(model.peft_config)}, active {told}: a forward pass {error}")
sys.exit(error != "runs")
