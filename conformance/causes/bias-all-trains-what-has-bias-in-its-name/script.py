# bias="all" trains T5's relative_attention_bias, the weight of an embedding.
import sys

from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

sizes = {"vocab_size": 200, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_heads": 4}
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q", "v"]}
base = T5ForConditionalGeneration(T5Config(num_layers=1, **sizes))
model = get_peft_model(base, LoraConfig(bias="all", **lora))
training = [n for n, p in model.named_parameters() if p.requires_grad and "lora_" not in n]
weights = [name for name in training if not name.endswith(".bias")]
print(f"beside LoRA these train, which are no bias: {weights}")
sys.exit(bool(weights))
