# GPT-NeoX that was tied when it was loaded, untied and saved: its head is under another key.
import sys, torch
from safetensors.torch import load_file
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM
keys = {}
for tied in (False, True):
    config = GPTNeoXConfig(hidden_size=64, num_hidden_layers=1, tie_word_embeddings=tied)
    GPTNeoXForCausalLM(config).save_pretrained("saved")
    model = GPTNeoXForCausalLM.from_pretrained("saved")
    model.get_output_embeddings().weight = torch.nn.Parameter(torch.randn(config.vocab_size, 64))
    model.config.tie_word_embeddings = False
    model.save_pretrained("untied")
    keys[tied] = [key for key in load_file("untied/model.safetensors") if "gpt_neox." not in key]
print(f"key of the head: {keys[False]}; of a base that was tied when it was loaded: {keys[True]}")
sys.exit(keys[False] != keys[True])
