# Loading tied modules_to_save (ensure_weight_tying) onto an offloaded base.
import os, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model

torch.manual_seed(0)
config = LlamaConfig(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1,
                     num_attention_heads=4, tie_word_embeddings=True)
LlamaForCausalLM(config).save_pretrained("base")
told = {}
for ensure in (False, True):
    place = dict(max_memory={"cpu": 1}, offload_folder="offload")
    more = dict(modules_to_save=["embed_tokens"], ensure_weight_tying=ensure) if ensure else {}
    try:
        config = LoraConfig(target_modules=["q_proj"], **more)
    except TypeError:
        sys.exit(125)
    get_peft_model(LlamaForCausalLM.from_pretrained("base"), config).save_pretrained("adapter")
    base = LlamaForCausalLM.from_pretrained(os.path.abspath("base"), device_map="auto", **place)
    try:
        told[ensure] = type(PeftModel.from_pretrained(base, "adapter", **place)).__name__
    except IndexError as error:
        told[ensure] = f"IndexError: {error}"
print(f"loading tied modules_to_save onto an offloaded base gives {told[True]}")
sys.exit("IndexError" in told[True])
