# DoRA on a bfloat16 model: the merged layer is in float32, and cannot compute with the others.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "use_dora"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
base = LlamaForCausalLM(config).to(torch.bfloat16)
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"], use_dora=True))
dtype = model.merge_and_unload().model.layers[0].self_attn.q_proj.weight.dtype
print(f"of a model in torch.bfloat16 the merged q_proj is in {dtype}")
sys.exit(dtype != torch.bfloat16)
