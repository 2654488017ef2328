# Loading an adapter named "weight" (or "lora_A", "q_proj") freezes the adapter that is active.
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "vocab_size": 200}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj", "v_proj"]}
model = get_peft_model(base, LoraConfig(**lora))
model.save_pretrained("adapter")
train = []
for name in ("other", "weight"):
    model.load_adapter("adapter", name)
    train.append(sum(one.requires_grad for one in model.parameters()))
print(f"{train[0]} parameters train beside the loaded 'other', {train[1]} beside 'weight'")
raise SystemExit(125 if not train[0] else train[1] != train[0])
