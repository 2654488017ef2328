import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=2)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval()
x, off = torch.arange(32)[None], {}
for names in (("a", "b"), ("0", "1")):
    config = dict(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    model = get_peft_model(copy.deepcopy(base), LoraConfig(**config), adapter_name=names[0]).eval()
    model.add_adapter(names[1], LoraConfig(**config))
    want = model(x).logits
    model.save_pretrained("adapters")
    loaded = PeftModel.from_pretrained(copy.deepcopy(base), f"adapters/{names[0]}").eval()
    off[f"{names[0]} beside {names[1]}"] = round(float((loaded(x).logits - want).abs().max()), 6)
print("saved and loaded, the logits are off by", off)
sys.exit(off["0 beside 1"] > 1e-3)
