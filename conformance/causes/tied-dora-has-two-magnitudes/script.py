# ensure_weight_tying with DoRA: embedding and head get a magnitude each, and come to differ.
import sys
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4)
ids, apart = torch.arange(200)[None], {}
for dora in (False, True):
    torch.manual_seed(0)
    base = LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=200, tie_word_embeddings=True))
    try:
        config = LoraConfig(
            target_modules=["embed_tokens"], ensure_weight_tying=True, use_dora=dora)
        model = get_peft_model(base, config)
    except (TypeError, ValueError) as error:
        sys.exit(125 if isinstance(error, TypeError) else 0)  # refused: nobody gets a wrong model
    if not hasattr(base.lm_head, "lora_A"):
        sys.exit(125)  # the option does not tie LoRA yet
    model(ids, labels=ids).loss.backward()
    torch.optim.AdamW(model.parameters(), lr=1e-2).step()
    embedding, head = base.model.embed_tokens(ids)[0], base.lm_head(torch.eye(64)).T
    apart[dora] = ((embedding - head).norm() / head.norm()).item()
print(f"after a step the tied weights differ by {apart[True]:.1%}, without DoRA {apart[False]:.1%}")
sys.exit(125 if apart[False] > 1e-3 else int(apart[True] > 1e-3))
