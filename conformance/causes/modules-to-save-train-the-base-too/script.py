# modules_to_save: the base's own module trains beside its copy, and with it what is tied to it.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
lora = dict(lora_alpha=8, lora_dropout=0.0, modules_to_save=["lm_head"])
model = get_peft_model(LlamaForCausalLM(config), LoraConfig(target_modules=["q_proj"], **lora))
train = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
own = [name for name in train if "lora_" not in name and "modules_to_save" not in name]
print(f"of {len(train)} parameters that train, these are the base's own: {own}")
sys.exit(bool(own))
