# PiSSA with the fast SVD is computed with other random numbers when the adapter is loaded.
import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval()
x, moved = torch.arange(32)[None], {}
for init in ("pissa", "pissa_niter_4"):
    config = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=init)
    try:
        model = get_peft_model(copy.deepcopy(base), config).eval()
    except (TypeError, ValueError):
        sys.exit(125)  # there is no PiSSA
    if not any(p.any() for n, p in model.named_parameters() if "lora_B" in n):
        sys.exit(125)  # any word is taken for True
    want = model(x).logits
    model.save_pretrained(init)
    loaded = PeftModel.from_pretrained(copy.deepcopy(base), init).eval()
    moved[init] = float((loaded(x).logits - want).abs().max())
print("saving and loading moved the logits by", {init: round(by, 4) for init, by in moved.items()})
sys.exit(moved["pissa_niter_4"] > 1e-2)
