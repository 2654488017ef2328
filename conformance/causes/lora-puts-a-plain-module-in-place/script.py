# LoRA puts a plain torch Linear in the place of a class of the model's own, and computes with that.
import sys
from peft import LoraConfig, get_peft_model
from transformers import FalconConfig, FalconForCausalLM

config = FalconConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, num_attention_heads=4)
base = FalconForCausalLM(config)
own = type(base.transformer.h[0].self_attention.dense)
get_peft_model(base, LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=["dense"]))
layer = base.transformer.h[0].self_attention.dense
computes = getattr(layer, "base_layer", layer)
names = ", ".join(one.__name__ for one in type(computes).__mro__[:2])
print(f"the base's {own.__name__} computes as {names}")
sys.exit(not isinstance(computes, own))
