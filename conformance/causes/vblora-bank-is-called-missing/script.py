import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import get_peft_model
try:
    from peft import VBLoRAConfig
except ImportError:
    sys.exit(125)

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
config = VBLoRAConfig(num_vectors=16, vector_length=16, target_modules=["q_proj", "v_proj"])
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
model = get_peft_model(base, config)
model.save_pretrained("adapter")
told = model.load_adapter("adapter", adapter_name="other").missing_keys
bank = model.base_model.vblora_vector_bank
loaded = torch.equal(bank["other"], bank["default"])
print(f"the bank {'is' if loaded else 'is not'} loaded; called missing: {told}")
if len(told) > 10:
    sys.exit(125)  # every key of the base is called missing
sys.exit(loaded and any("vector_bank" in key for key in told))
