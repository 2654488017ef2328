# Loading with low_cpu_mem_usage onto a model on the GPU leaves weights on the CPU.
import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model
if not torch.cuda.is_available():
    sys.exit(125)

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).to("cuda")
x = torch.arange(10)[None].to("cuda")
near = {}
for name, more in {"LoRA": {}, "modules_to_save": {"modules_to_save": ["lm_head"]},
                   "LoRA on lm_head": {"target_modules": ["q_proj", "lm_head"]}}.items():
    config = LoraConfig(**{"target_modules": ["q_proj"], **more})
    get_peft_model(copy.deepcopy(base), config).save_pretrained("adapter")
    try:
        options = {"torch_device": "cpu", "low_cpu_mem_usage": True}
        model = PeftModel.from_pretrained(copy.deepcopy(base), "adapter", **options)
    except TypeError:
        sys.exit(125)
    near[name] = [key for key, value in model.named_parameters() if value.device.type == "cpu"]
print("left on the CPU:", "; ".join(f"{name}: {keys or 'nothing'}" for name, keys in near.items()))
sys.exit(any(near.values()))
