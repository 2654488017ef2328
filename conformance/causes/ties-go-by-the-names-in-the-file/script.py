# transformers 5 ties by which names a file has: a copy unties, a T5's own head becomes `shared`.
import sys

from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

llama = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "vocab_size": 200}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **llama))
base.save_pretrained("llama", safe_serialization=True)
file = load_file("llama/model.safetensors")
file["lm_head.weight"] = file["model.embed_tokens.weight"].clone()
save_file(file, "llama/model.safetensors", {"format": "pt"})
loaded = LlamaForCausalLM.from_pretrained("llama")
tied = loaded.lm_head.weight is loaded.model.embed_tokens.weight

t5 = T5ForConditionalGeneration(T5Config(d_model=64, d_kv=16, num_heads=4, num_layers=1))
t5.save_pretrained("t5", safe_serialization=True)
file = load_file("t5/model.safetensors")
file["encoder.embed_tokens.weight"] = file.pop("shared.weight")
file["lm_head.weight"] = file["encoder.embed_tokens.weight"] + 1
save_file(file, "t5/model.safetensors", {"format": "pt"})
loaded = T5ForConditionalGeneration.from_pretrained("t5")
one = loaded.shared.weight is loaded.encoder.embed_tokens.weight
print(f"Llama is tied: {tied}; T5's shared is its encoder's embedding: {one}")
sys.exit(not tied or not one)
