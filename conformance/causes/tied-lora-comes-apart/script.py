# ensure_weight_tying: over a model in bfloat16, the adapters of embedding and head are not tied.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
base = LlamaForCausalLM(config).to(torch.bfloat16)
get_peft_model(base, LoraConfig(target_modules=["lm_head"], ensure_weight_tying=True))
embedding, head = base.get_input_embeddings(), base.get_output_embeddings()
if not hasattr(embedding, "lora_embedding_A"):  # before 0.19 it does not tie target_modules
    sys.exit(125)
one, other = embedding.lora_embedding_A["default"], head.lora_B["default"].weight
print(f"the tied factors are one tensor in memory: {one.data_ptr() == other.data_ptr()}")
sys.exit(one.data_ptr() != other.data_ptr())
