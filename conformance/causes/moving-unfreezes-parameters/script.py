# Parameters that are moved to the base's dtype, while wrapping or loading, train although frozen.
import sys, torch
from peft import AdaLoraConfig, LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
lora = dict(init_r=8, target_r=8, lora_alpha=8, lora_dropout=0.1, total_step=100)
base = LlamaForCausalLM(config).to(torch.float64)
model = get_peft_model(base, AdaLoraConfig(target_modules=["q_proj", "v_proj"], **lora))
ranks = [p.requires_grad for name, p in model.named_parameters() if "ranknum" in name]
base = LlamaForCausalLM(config).to(torch.bfloat16)
embedding = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=["embed_tokens"])
get_peft_model(base, embedding).save_pretrained("adapter")
train = {}
for low in (False, True):
    base = LlamaForCausalLM(config).to(torch.bfloat16)
    try:
        loaded = PeftModel.from_pretrained(base, "adapter", low_cpu_mem_usage=low)
    except TypeError:
        continue  # this version has no low_cpu_mem_usage
    train[low] = sum(p.requires_grad for p in loaded.parameters())
moved = train.get(True, 0) > train.get(False, 0)
print(f"{sum(ranks)} of AdaLoRA's ranknum train; loaded frozen, by low_cpu_mem_usage: {train}")
sys.exit(any(ranks) or moved)
