# One config for two models: get_peft_model must leave it as it is.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4}
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0}
config, adapted = LoraConfig(target_modules="all-linear", **lora), []
for layers in (1, 2):
    base = LlamaForCausalLM(LlamaConfig(num_hidden_layers=layers, **sizes))
    try:
        model = get_peft_model(base, config)
    except ValueError:  # releases that do not know all-linear
        sys.exit(125)
    adapted.append(sum("lora_A" in name for name, _ in model.named_parameters()))
said = config.target_modules
print(f"all-linear became {said if said == 'all-linear' else f'{len(said)} names'}; LoRA stands on "
      f"{adapted[0]} layers of the first model, on {adapted[1]} of one twice as deep")
sys.exit(said != "all-linear")
