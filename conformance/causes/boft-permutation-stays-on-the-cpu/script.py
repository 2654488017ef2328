# BOFT on a base on CUDA: everything that wrapping adds has to lie there.
import sys

import torch
from peft import get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

try:
    from peft import BOFTConfig
except ImportError:
    sys.exit(125)
if not torch.cuda.is_available():
    sys.exit(125)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).to("cuda")
model = get_peft_model(base, BOFTConfig(boft_block_size=8, target_modules=["q_proj"]))
tensors = [*model.named_parameters(), *model.named_buffers()]
left = [name for name, tensor in tensors if "boft" in name and tensor.device.type == "cpu"]
print(f"after wrapping, on the CPU: {', '.join(left) or 'nothing'}")
sys.exit(bool(left))
