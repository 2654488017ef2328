# load_adapter warns where PiSSA has changed the base, but not where the fast PiSSA has.
import copy, sys, torch, warnings
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
plain = LoraConfig(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj"])
get_peft_model(copy.deepcopy(base), plain).save_pretrained("lora")
warned = {}
for init in ("pissa", "pissa_niter_4"):
    config = LoraConfig(r=8, target_modules=["q_proj"], init_lora_weights=init)
    try:
        model = get_peft_model(copy.deepcopy(base), config)
    except (TypeError, ValueError):
        sys.exit(125)  # there is no PiSSA
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model.load_adapter("lora", adapter_name="other")
    warned[init] = any("other adapters" in str(one.message) for one in heard)
print("load_adapter of a second adapter warns that the first changed the base:", warned)
sys.exit(125 if not warned["pissa"] else not warned["pissa_niter_4"])
