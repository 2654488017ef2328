# LoRA on Mamba's dt_proj: the model reads the weight of the layer and never calls it.
import sys

import torch
from peft import LoraConfig, get_peft_model

try:
    from transformers import MambaConfig, MambaForCausalLM
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
base = MambaForCausalLM(MambaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["x_proj", "dt_proj"]}
try:
    model = get_peft_model(base, LoraConfig(**lora))
    model(input_ids=(ids := torch.arange(32)[None]), labels=ids).loss.backward()
except ValueError as error:
    sys.exit(print(f"refused: {error}") or 0)
except AttributeError:  # a LoRA layer has no bias to be read here
    sys.exit(125)
factors = {n.split(".")[-4]: p for n, p in model.named_parameters() if "lora_B" in n}
unseen = [name for name, factor in factors.items() if factor.grad is None]
print(f"of LoRA on {' and '.join(factors)} no gradient got {' and '.join(unseen) or 'none'}")
sys.exit(bool(unseen))
