# Biases train although the adapter was loaded with is_trainable=False.
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import OPTConfig, OPTForCausalLM


def base():
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "word_embed_proj_dim": 64, "ffn_dim": 128, "num_hidden_layers": 1}
    return OPTForCausalLM(OPTConfig(num_attention_heads=4, vocab_size=200, **sizes))


lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj", "v_proj"]}
get_peft_model(base(), LoraConfig(bias="lora_only", **lora)).save_pretrained("adapter")
model = PeftModel.from_pretrained(base(), "adapter", is_trainable=False)
train = [name for name, one in model.named_parameters() if one.requires_grad]
print(f"loaded with is_trainable=False, {len(train)} parameters train: {', '.join(train)[:60]}")
raise SystemExit(bool(train))
