# An adapter "style" is made of "style_v2", which is active: that freezes "style_v2".
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
try:
    model = get_peft_model(base, LoraConfig(target_modules=["q_proj"]), "style_v2")
    model.add_adapter("other", LoraConfig(target_modules=["q_proj"]))
    model.add_weighted_adapter(["style_v2", "other"], [0.5, 0.5], "style", "cat")
except (AttributeError, TypeError, ValueError):
    sys.exit(125)  # adapters have no names, or cannot be added up
train = [p.requires_grad for name, p in model.named_parameters() if ".style_v2" in name]
print(f"style_v2 is active, and {sum(train)} of its {len(train)} tensors train")
sys.exit(not all(train))
