import sys

from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel, OPTConfig, OPTForCausalLM

sizes = dict(vocab_size=200, tie_word_embeddings=True, bos_token_id=0, eos_token_id=0)
opt = OPTForCausalLM(OPTConfig(
    hidden_size=64, ffn_dim=128, num_hidden_layers=1, num_attention_heads=4,
    word_embed_proj_dim=64, **sizes))
gpt2 = GPT2LMHeadModel(GPT2Config(n_embd=64, n_layer=1, n_head=4, **sizes))
heads = {}
for model, embedding in ((opt, "embed_tokens"), (gpt2, "wte")):
    try:
        config = LoraConfig(target_modules=[embedding], ensure_weight_tying=True)
    except TypeError:
        sys.exit(125)  # no such option
    get_peft_model(model, config)
    heads[embedding] = hasattr(model.lm_head, "lora_A")
print(f"LoRA on the embedding reaches the tied lm_head, by the embedding's name: {heads}")
sys.exit(int(not heads["wte"]) if heads["embed_tokens"] else 125)
