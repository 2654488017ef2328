# An adapter is deleted while two others are active: its name stays, and the model cannot compute.
import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
lora = lambda: LoraConfig(target_modules=["q_proj"])
try:
    model = get_peft_model(base, lora(), adapter_name="a").eval()
    model.add_adapter("b", lora())
    model.add_adapter("c", lora())
    model.base_model.set_adapter(["b", "c"])
    model.delete_adapter("a")
    told = list(model.active_adapters)
except (AttributeError, TypeError):
    sys.exit(125)  # nothing can be deleted, or several cannot be active
try:
    model(torch.arange(32)[None])
    end = "runs"
except KeyError as error:
    end = f"ends in KeyError: {error}"
print(f"adapters {list(model.peft_config)}, active {told}: a forward pass {end}")
sys.exit(end != "runs")
