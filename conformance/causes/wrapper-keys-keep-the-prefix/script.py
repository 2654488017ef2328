# A PeftModel's file, loaded into an injected model: keys of modules_to_save keep their prefix.
import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model
try:
    from peft import inject_adapter_in_model, set_peft_model_state_dict
    from peft.utils import load_peft_weights
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval()
x, seen = torch.arange(32)[None], []
for more in ({}, {"modules_to_save": ["lm_head"]}):
    config = LoraConfig(r=8, target_modules=["q_proj"], init_lora_weights=False, **more)
    trained = get_peft_model(copy.deepcopy(base), config).eval()
    trained.save_pretrained("adapter")
    model = inject_adapter_in_model(config, copy.deepcopy(base)).eval()
    try:
        set_peft_model_state_dict(model, load_peft_weights("adapter", device="cpu"))
        seen.append(f"off by {float((model(x).logits - trained(x).logits).abs().max()):.2g}")
    except KeyError as error:
        seen.append(f"KeyError: {error}")
print(f"the file of a PeftModel, injected: LoRA alone {seen[0]}, with modules_to_save {seen[1]}")
sys.exit(125 if seen[0] != "off by 0" else seen[1] != "off by 0")
