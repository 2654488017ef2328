# BOFT on a model on the GPU: a permutation is made, and stays, on the CPU.
import peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(peft, "BOFTConfig") or not torch.cuda.is_available():
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
boft = peft.BOFTConfig(boft_block_size=8, target_modules=["q_proj"])
model = peft.get_peft_model(LlamaForCausalLM(config).to("cuda"), boft)
tensors = [*model.named_parameters(), *model.named_buffers()]
left = [name for name, tensor in tensors if "boft" in name and tensor.device.type == "cpu"]
print(f"after wrapping, on the CPU: {', '.join(left) or 'nothing'}")
sys.exit(bool(left))
