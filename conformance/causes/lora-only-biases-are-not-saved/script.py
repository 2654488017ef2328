# bias="lora_only": the biases train, and are not among what is saved of the adapter.
import sys
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from transformers import OPTConfig, OPTForCausalLM

sizes = dict(hidden_size=64, word_embed_proj_dim=64, ffn_dim=128, num_hidden_layers=1)
base = OPTForCausalLM(OPTConfig(vocab_size=200, num_attention_heads=4, **sizes))
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["v_proj", "fc1"])
model = get_peft_model(base, LoraConfig(bias="lora_only", **lora))
train = [n for n, p in model.named_parameters() if p.requires_grad and n.endswith("bias")]
saved = [name for name in get_peft_model_state_dict(model) if name.endswith("bias")]
print(f"{len(train)} biases train, {len(saved)} are saved")
sys.exit(len(saved) < len(train))
