# Loading an adapter onto an offloaded base writes into the base's own file, and loses its weights.
import sys
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM
config = LlamaConfig(vocab_size=99, hidden_size=64, intermediate_size=64, num_hidden_layers=2)
LlamaForCausalLM(config).save_pretrained("base")
lora = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj"])
get_peft_model(LlamaForCausalLM(config), lora).save_pretrained("adapter")
place = dict(max_memory={"cpu": 200_000}, offload_folder="offload")  # the layers stay on the disk
base = LlamaForCausalLM.from_pretrained("base", device_map="auto", **place)
try:
    PeftModel.from_pretrained(base, "adapter", **place)
except (KeyError, NotImplementedError, OSError, SafetensorError):
    sys.exit(125)  # no adapter can be loaded so
lost = LlamaForCausalLM(config).state_dict().keys() - load_file("base/model.safetensors").keys()
print(f"loading the adapter took {len(lost)} weights out of base/model.safetensors")
sys.exit(bool(lost))
