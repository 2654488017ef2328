# A file without the one vector that TinyLoRA trains is loaded without a warning.
import copy, sys, torch, warnings
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM
from peft import PeftModel, get_peft_model
try:
    from peft import TinyLoraConfig
except ImportError:
    sys.exit(125)

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
model = get_peft_model(copy.deepcopy(base), TinyLoraConfig(target_modules=["q_proj", "v_proj"]))
model.save_pretrained("adapter")
tensors = load_file("adapter/adapter_model.safetensors")
gone = [key for key in tensors if "tinylora_v" in key]
left = {key: tensors[key] for key in tensors if key not in gone}
save_file(left, "adapter/adapter_model.safetensors")
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    PeftModel.from_pretrained(copy.deepcopy(base), "adapter")
told = any("missing adapter keys" in str(one.message) for one in heard)
print(f"the file lacks {gone}, all that trains, and loading {'warns' if told else 'is silent'}")
sys.exit(not told)
