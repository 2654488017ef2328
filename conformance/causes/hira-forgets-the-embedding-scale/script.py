# HiRA on Gemma 3's embedding, which multiplies what it looks up by sqrt(hidden_size).
import peft, sys, torch, transformers
if not hasattr(peft, "HiraConfig") or not hasattr(transformers, "Gemma3TextConfig"):
    sys.exit(125)
torch.manual_seed(0)
sizes = dict(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
config = transformers.Gemma3TextConfig(tie_word_embeddings=False, **sizes)
base = transformers.Gemma3ForCausalLM(config)
model = peft.get_peft_model(base, peft.HiraConfig(target_modules=["embed_tokens"]))
ids = torch.arange(3, 35)[None]
model(ids, labels=ids).loss.backward()
torch.optim.AdamW(model.parameters(), lr=0.1).step()
off = (model(ids).logits - model.merge_and_unload()(ids).logits).abs().max().item()
print(f"merging moves the logits by {off:.2g}")
sys.exit(off > 1e-3)
