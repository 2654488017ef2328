import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
lora = lambda: LoraConfig(r=8, target_modules=["q_proj", "v_proj"])
train = []
try:
    model = get_peft_model(base, lora(), adapter_name="style_v2")
    model.add_adapter("other", lora())
    model.set_adapter("style_v2")
    for name in ("sum", "style"):
        model.add_weighted_adapter(["style_v2", "other"], [0.5, 0.5], name, "cat")
        train.append(sum(p.requires_grad for n, p in model.named_parameters() if ".style_v2" in n))
except (AttributeError, TypeError):
    sys.exit(125)  # adapters have no names, or cannot be added up
print(f"style_v2 is active: {train[0]} of its tensors train after sum was made of it, "
      f"{train[1]} after style was")
sys.exit(train[0] > train[1])
