# Saving an adapter on lm_head while it is merged saves the merged weight as the base's.
import copy, sys, torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0, init_lora_weights=False)
model = get_peft_model(copy.deepcopy(base), LoraConfig(target_modules=["lm_head"], **lora))
model.merge_adapter()
model.save_pretrained("adapter")
loaded = PeftModel.from_pretrained(base, "adapter")
ids = torch.arange(32)[None]
off = (loaded(ids).logits - model(ids).logits).abs().max().item()
print(f"saved while merged, and loaded onto the base, the logits are off by {off:.2g}")
sys.exit(off > 1e-3)
