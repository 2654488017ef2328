# ensure_weight_tying ties the first adapter of a model, and no other that is added or loaded.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

base = LlamaForCausalLM(LlamaConfig(hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True))
try:
    model = get_peft_model(base, LoraConfig(target_modules=["lm_head"], ensure_weight_tying=True))
    model.add_adapter("b", LoraConfig(target_modules=["lm_head"], ensure_weight_tying=True))
    embedding, head = base.get_input_embeddings().lora_embedding_A["b"], base.lm_head.lora_B
except (TypeError, AttributeError):  # before 0.19 it does not tie what target_modules names
    sys.exit(125)
tied = "b" in head and head["b"].weight.data_ptr() == embedding.data_ptr()
print(f"the head has LoRA of {', '.join(head)}; that of b is tied to the embedding's: {tied}")
sys.exit(not tied)
