# ensure_weight_tying on an embedding that is named wte: the tied head is not found.
import sys
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4))
heads = {}
for model, embedding in ((LlamaForCausalLM(config), "embed_tokens"), (gpt2, "wte")):
    get_peft_model(model, LoraConfig(target_modules=[embedding], ensure_weight_tying=True))
    heads[embedding] = hasattr(model.lm_head, "lora_A")
print(f"LoRA on the embedding reaches the tied lm_head, by the embedding's name: {heads}")
sys.exit(not heads["wte"] if heads["embed_tokens"] else 125)
