# LayerNorm tuning with modules_to_save: what merge_and_unload() gives, saved and loaded again.
import sys

import torch
from peft import get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

try:
    from peft import LNTuningConfig
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).eval()
config = LNTuningConfig(task_type="CAUSAL_LM", modules_to_save=["lm_head"])
merged = get_peft_model(base, config).merge_and_unload()
ids = torch.arange(32)[None]
want = merged(ids).logits
merged.save_pretrained("merged")
off = (LlamaForCausalLM.from_pretrained("merged").eval()(ids).logits - want).abs().max().item()
print(f"after merge_and_unload() lm_head is a {type(merged.lm_head).__name__}; a reload is off "
      f"by {off:.2g} of {want.abs().max().item():.2g}")
sys.exit(off > 1e-3)
