# hotswap_adapter with LoRA on an embedding asks the layer's parent for the scaling.
import copy, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model
try:
    from peft.utils.hotswap import hotswap_adapter
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
base, x = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval(), torch.arange(9)[None]
failed = []
for name in ("q_proj", "embed_tokens"):
    config = LoraConfig(r=8, target_modules=[name])
    trained, other = (get_peft_model(copy.deepcopy(base), config) for _ in "ab")
    trained(x, labels=x).loss.backward()
    torch.optim.SGD([p for p in trained.parameters() if p.grad is not None], lr=1.0).step()
    trained.save_pretrained("adapter", save_embedding_layers=False)
    try:
        hotswap_adapter(other.eval(), "adapter", adapter_name="default", torch_device="cpu")
        failed += [name] * ((other(x).logits - trained.eval()(x).logits).abs().max() > 1e-4)
    except AttributeError as error:
        failed.append(f"{name} ({error})")
print("hotswap_adapter failed for LoRA on:", ", ".join(failed) or "nothing")
sys.exit(bool(failed))
