# LayerNorm tuning with modules_to_save: what merge_and_unload() gives, saved and loaded again.
import peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(peft, "LNTuningConfig"):
    sys.exit(125)
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
tuning = peft.LNTuningConfig(task_type="CAUSAL_LM", modules_to_save=["lm_head"])
merged = peft.get_peft_model(base, tuning).merge_and_unload()
ids = torch.arange(32)[None]
want = merged(ids).logits
merged.save_pretrained("merged")
off = (LlamaForCausalLM.from_pretrained("merged")(ids).logits - want).abs().max().item()
print(f"the merged lm_head is a {type(merged.lm_head).__name__}; a reload is off by {off:.2g}")
sys.exit(off > 1e-3)
