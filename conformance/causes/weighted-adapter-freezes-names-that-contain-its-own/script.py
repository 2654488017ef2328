import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
config = lambda: LoraConfig(r=8, target_modules=["q_proj", "v_proj"])
model = get_peft_model(base, config(), adapter_name="style_v2")
try:
    model.add_adapter("other", config())
    before = model.get_nb_trainable_parameters()[0]
    for name in ("sum", "style"):
        model.add_weighted_adapter(["style_v2", "other"], [0.5, 0.5], name, "cat")
        if name == "sum" and model.get_nb_trainable_parameters()[0] != before:
            sys.exit(125)  # whatever its name, it changes what trains
except (AttributeError, TypeError):
    sys.exit(125)  # adapters cannot be added up
after = model.get_nb_trainable_parameters()[0]
print(f"style_v2 is active: {before} parameters train, and {after} once style is made of it")
sys.exit(before != after)
