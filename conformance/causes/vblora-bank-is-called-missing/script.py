# VB-LoRA saves one vector bank for all layers: loading it, load_adapter calls the bank missing.
import peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(peft, "VBLoRAConfig"):
    sys.exit(125)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
vblora = peft.VBLoRAConfig(num_vectors=16, vector_length=16, target_modules=["q_proj", "v_proj"])
model = peft.get_peft_model(base, vblora)
model.save_pretrained("adapter")
told = model.load_adapter("adapter", "other").missing_keys
bank = model.base_model.vblora_vector_bank
loaded = torch.equal(bank["other"], bank["default"])
print(f"the bank {'is' if loaded else 'is not'} loaded; called missing: {told}")
many = len(told) > 10  # every key of the base is called missing
sys.exit(125 if many else loaded and any("vector_bank" in key for key in told))
