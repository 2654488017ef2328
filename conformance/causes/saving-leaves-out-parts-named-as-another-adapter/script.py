import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=2)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval()
lora = lambda: LoraConfig(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
x, off = torch.arange(32)[None], {}
for first, second in (("a", "b"), ("0", "1")):
    try:
        model = get_peft_model(copy.deepcopy(base), lora(), adapter_name=first).eval()
    except TypeError:
        sys.exit(125)  # adapters have no names
    model.add_adapter(second, lora())
    model.set_adapter(first)
    want = model(x).logits
    model.save_pretrained("adapters")
    loaded = PeftModel.from_pretrained(copy.deepcopy(base), f"adapters/{first}").eval()
    off[f"{first} beside {second}"] = round(float((loaded(x).logits - want).abs().max()), 6)
print("saved and loaded, the logits are off by", off)
sys.exit(off["0 beside 1"] > 1e-3)
