# from_pretrained(is_trainable=False): LoRA is frozen, a module of modules_to_save is not.
import sys
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
lora = dict(lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj"], modules_to_save=["lm_head"])
get_peft_model(LlamaForCausalLM(config), LoraConfig(**lora)).save_pretrained("adapter")
loaded = PeftModel.from_pretrained(LlamaForCausalLM(config), "adapter", is_trainable=False)
training = [name for name, parameter in loaded.named_parameters() if parameter.requires_grad]
print(f"these train: {training}" if training else "nothing trains")
sys.exit(any("modules_to_save" in name for name in training))
