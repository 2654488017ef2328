import sys

import torch
from safetensors import safe_open
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

torch.manual_seed(0)
sizes = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
keys = {}
for tied in (False, True):
    config = GPTNeoXConfig(**sizes, num_attention_heads=4, tie_word_embeddings=tied)
    GPTNeoXForCausalLM(config).save_pretrained("saved", safe_serialization=True)
    model = GPTNeoXForCausalLM.from_pretrained("saved")
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(torch.randn_like(head.weight))  # it has its own matrix now
    model.config.tie_word_embeddings = False
    model.save_pretrained("untied", safe_serialization=True)
    with safe_open("untied/model.safetensors", "pt") as file:
        keys[tied] = [key for key in file.keys() if "gpt_neox." not in key]
print(f"key of the head: {keys[False]}; of a base that was tied when it was loaded: {keys[True]}")
sys.exit(keys[False] != keys[True])
