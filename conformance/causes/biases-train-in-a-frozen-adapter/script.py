# Biases train although the adapter was loaded with is_trainable=False.
import sys
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import OPTConfig, OPTForCausalLM

sizes = dict(hidden_size=64, word_embed_proj_dim=64, ffn_dim=128, num_hidden_layers=1)
config = OPTConfig(vocab_size=200, num_attention_heads=4, **sizes)
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj", "v_proj"])
train = {}
for bias in ("lora_only", "all"):
    trained = get_peft_model(OPTForCausalLM(config), LoraConfig(bias=bias, **lora))
    trained.save_pretrained("adapter")
    model = PeftModel.from_pretrained(OPTForCausalLM(config), "adapter", is_trainable=False)
    train[bias] = sum(one.requires_grad for one in model.parameters())
sys.exit(print(f"loaded with is_trainable=False, so many train: {train}") or any(train.values()))
