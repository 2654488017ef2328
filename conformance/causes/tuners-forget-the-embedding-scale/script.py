# HiRA and TinyLoRA on Gemma 3's embedding, which multiplies what it looks up by sqrt(hidden_size).
import peft, sys, torch, transformers
tuners = {"HiraConfig": {}, "TinyLoraConfig": {"r": 8, "u": 8}}
tuners = {name: more for name, more in tuners.items() if hasattr(peft, name)}
if not tuners or not hasattr(transformers, "Gemma3TextConfig"):
    sys.exit(125)
sizes, off = dict(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1), {}
for name, more in tuners.items():
    torch.manual_seed(0)
    config = transformers.Gemma3TextConfig(tie_word_embeddings=False, **sizes)
    base = transformers.Gemma3ForCausalLM(config)
    tuner = getattr(peft, name)(target_modules=["embed_tokens"], **more)
    model, ids = peft.get_peft_model(base, tuner), torch.arange(3, 35)[None]
    model(ids, labels=ids).loss.backward()
    torch.optim.AdamW(model.parameters(), lr=0.1).step()
    off[name] = (model(ids).logits - model.merge_and_unload()(ids).logits).abs().max().item()
print(f"merging moves the logits by {off}")
sys.exit(max(off.values()) > 1e-3)
