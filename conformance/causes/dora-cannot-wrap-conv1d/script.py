# DoRA on GPT-2's Conv1D, which stores its weight transposed: wrapping ends in a RuntimeError.
import sys
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

if not hasattr(LoraConfig, "use_dora"):
    sys.exit(125)
base = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4))
try:
    get_peft_model(base, LoraConfig(target_modules=["c_attn"], use_dora=True, fan_in_fan_out=True))
except RuntimeError as error:
    print(f"get_peft_model ends in RuntimeError: {error}")
    sys.exit(1)
print("the model is wrapped")
