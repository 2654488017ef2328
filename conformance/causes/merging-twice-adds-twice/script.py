# merge_adapter() on a merged model adds the adapter to its weights again.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0, init_lora_weights=False)
model = get_peft_model(base, LoraConfig(target_modules=["q_proj", "v_proj"], **lora))
model.merge_adapter()
want = model(torch.arange(32)[None]).logits
model.merge_adapter()
off = (model(torch.arange(32)[None]).logits - want).abs().max().item()
print(f"merging again moved the logits by {off:.2g} of {want.abs().max().item():.2g}")
sys.exit(off > 1e-3)
