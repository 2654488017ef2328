# get_peft_model writes into the config that it is given, which is wrong for the next model.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

config, adapted = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules="all-linear"), []
for layers in (1, 2):
    base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=layers))
    try:
        model = get_peft_model(base, config)
    except ValueError:  # releases that do not know all-linear
        sys.exit(125)
    adapted.append(sum("lora_A" in name for name, _ in model.named_parameters()))
print(f"all-linear: LoRA stands on {adapted[0]} layers, on {adapted[1]} of a model twice as deep")
sys.exit(config.target_modules != "all-linear")
