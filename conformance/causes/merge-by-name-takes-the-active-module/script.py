# merge_and_unload(adapter_names=["b"]) has to give the lm_head that b trained, though not active.
import inspect, sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = dict(lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj"], modules_to_save=["lm_head"])
model = get_peft_model(base, LoraConfig(**lora))
model.add_adapter("b", LoraConfig(**lora))
trained = base.lm_head.modules_to_save["b"].weight.data.normal_(std=0.1)
if "adapter_names" not in inspect.signature(model.merge_and_unload).parameters:
    sys.exit(125)
off = (model.merge_and_unload(adapter_names=["b"]).lm_head.weight - trained).abs().max().item()
print(f"merging the inactive b gives an lm_head that is off b's by {off:.2g}")
sys.exit(off > 1e-3)
