# Gemma 2's default attention leaves out the softcapping that its config asks for.
import copy, sys, torch
try:
    from transformers import Gemma2Config, Gemma2ForCausalLM
except ImportError:
    sys.exit(125)

size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1, head_dim=16)
config = Gemma2Config(num_attention_heads=4, num_key_value_heads=4, initializer_range=0.5,
                      attn_logit_softcapping=5.0, final_logit_softcapping=None, **size)
logits = {}
for attention in (None, "eager"):
    torch.manual_seed(0)
    more = {"attn_implementation": attention} if attention else {}
    model = Gemma2ForCausalLM._from_config(copy.deepcopy(config), **more).eval()
    with torch.no_grad():
        logits[attention] = model(torch.arange(10)[None]).logits
off = (logits[None] - logits["eager"]).abs().max().item()
print(f"default attention moves the logits by {off:.2g} of {logits['eager'].abs().max():.2g}")
sys.exit(off > 1e-3)
