# An adapter beside one that is named "0": saving it leaves out what it has on layer 0.
import copy, sys, torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=2))
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0, init_lora_weights=False)
model = get_peft_model(copy.deepcopy(base), LoraConfig(target_modules=["v_proj"], **lora))
model.add_adapter("0", LoraConfig(target_modules=["v_proj"], **lora))
want = model(torch.arange(32)[None]).logits
model.save_pretrained("adapter")
loaded = PeftModel.from_pretrained(base, "adapter")
off = (loaded(torch.arange(32)[None]).logits - want).abs().max().item()
print(f"saved and loaded, the logits are off by {off:.2g}")
sys.exit(off > 1e-3)
