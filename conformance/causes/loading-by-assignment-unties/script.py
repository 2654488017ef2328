# Loading an adapter with low_cpu_mem_usage=True takes embedding and head of a tied model apart.
import inspect
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if "low_cpu_mem_usage" not in inspect.signature(PeftModel.from_pretrained).parameters:
    sys.exit(125)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "vocab_size": 200}


def base():
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))


lora = LoraConfig(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["embed_tokens"])
get_peft_model(base(), lora).save_pretrained("adapter")
loaded = [PeftModel.from_pretrained(base(), "adapter", low_cpu_mem_usage=low) for low in (0, 1)]
plain, assigned = [m.get_output_embeddings().weight is m.get_input_embeddings().weight
                   for m in loaded]
print(f"embedding and head are one parameter: {plain}, with low_cpu_mem_usage {assigned}")
sys.exit(125 if not plain else not assigned)
