import os, sys, torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=2)
LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).save_pretrained("base")
get_peft_model(LlamaForCausalLM.from_pretrained("base"),
               LoraConfig(target_modules=["q_proj"])).save_pretrained("adapter")
weights, files = load_file("base/model.safetensors"), {*os.listdir(), "offload"}
room = {"cpu": 200_000}  # there is no room for the layers: they stay on the disk
for folder in (os.path.abspath("base"), "base"):
    base = LlamaForCausalLM.from_pretrained(
        folder, device_map="auto", max_memory=room, offload_folder="offload")
    assert "disk" in base.hf_device_map.values()
    PeftModel.from_pretrained(base, "adapter", max_memory=room, offload_folder="offload")
lost = weights.keys() - load_file("base/model.safetensors").keys()
left = sorted({*os.listdir()} - files)
print(f"loading the adapter took {len(lost)} of {len(weights)} weights out of the base's file,",
      f"and left {left or 'nothing'} in the working directory")
sys.exit(bool(lost or left))
