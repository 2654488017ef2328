# Loading an adapter named "weight" (or "lora_A", "q_proj") freezes the adapter that is active.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = LoraConfig(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj", "v_proj"])
model = get_peft_model(base, lora)
model.save_pretrained("adapter")
train = []
for name in ("other", "weight"):
    model.load_adapter("adapter", name)
    train.append(sum(one.requires_grad for one in model.parameters()))
print(f"{train[0]} parameters train beside the loaded 'other', {train[1]} beside 'weight'")
sys.exit(125 if not train[0] else train[1] != train[0])
