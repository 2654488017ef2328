# merge_adapter() and then unload() has to give back the base model, as unload() alone does.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
before = base(torch.arange(32)[None]).logits
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0, init_lora_weights=False)
model = get_peft_model(base, LoraConfig(target_modules=["q_proj", "v_proj"], **lora))
if not hasattr(model.base_model, "unload"):
    sys.exit(125)
model.merge_adapter()
off = (model.unload()(torch.arange(32)[None]).logits - before).abs().max().item()
print(f"merge_adapter() and unload() leave the logits off the base by {off:.2g}")
sys.exit(off > 1e-3)
