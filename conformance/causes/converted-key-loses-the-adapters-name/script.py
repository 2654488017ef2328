# Loading an adapter of Mixtral under the name "weight": keys are cut, and weights stay random.
import sys, torch
from transformers import MixtralConfig, MixtralForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
config = MixtralConfig(num_attention_heads=4, num_key_value_heads=4, num_local_experts=2, **size)
lora = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
x, off = torch.arange(32)[None], {}
try:
    model = get_peft_model(MixtralForCausalLM(config), lora).eval()
    want = model(x).logits
    model.save_pretrained("adapter")
    for name in ("other", "weight"):
        model.load_adapter("adapter", adapter_name=name)
        model.set_adapter(name)
        off[name] = round(float((model(x).logits - want).abs().max()), 6)
except TypeError:
    sys.exit(125)  # these versions do not fit each other
print("loaded beside itself, the logits are off, by the new adapter's name:", off)
sys.exit(off["weight"] > 1e-3)
