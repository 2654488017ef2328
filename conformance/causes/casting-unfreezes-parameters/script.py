# Casting an adapter to float32 lets it train, although it was loaded with is_trainable=False.
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM


def base():
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
    config = LlamaConfig(num_attention_heads=4, vocab_size=200, **sizes)
    return LlamaForCausalLM(config).to(torch.bfloat16)


lora = LoraConfig(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["embed_tokens", "q_proj"])
get_peft_model(base(), lora).save_pretrained("adapter")
model = PeftModel.from_pretrained(base(), "adapter", is_trainable=False)
train = [name for name, one in model.named_parameters() if one.requires_grad]
print(f"loaded with is_trainable=False, {len(train)} parameters train: {', '.join(train)[:60]}")
raise SystemExit(bool(train))
