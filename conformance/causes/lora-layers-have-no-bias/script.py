# bias="lora_only" looks for a bias on the LoRA layer, which has it on its base_layer: none trains.
import sys

from peft import LoraConfig, get_peft_model
from transformers import OPTConfig, OPTForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "ffn_dim": 128, "word_embed_proj_dim": 64}
base = OPTForCausalLM(OPTConfig(num_attention_heads=4, num_hidden_layers=1, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(bias="lora_only", **lora))
biases = [p for n, p in model.named_parameters() if "q_proj" in n and n.endswith("bias")]
print(f"{sum(p.requires_grad for p in biases)} of {len(biases)} biases train")
sys.exit(not all(p.requires_grad for p in biases))
