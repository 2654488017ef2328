# hotswap_adapter looks for the magnitude of DoRA under a name that it does not have.
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
for dora in (False, True):
    config = LoraConfig(r=8, target_modules=["q_proj"], use_dora=dora)
    trained, other = (get_peft_model(copy.deepcopy(base), config) for _ in "ab")
    trained(x, labels=x).loss.backward()
    torch.optim.SGD([p for p in trained.parameters() if p.grad is not None], lr=1.0).step()
    trained.save_pretrained("adapter")
    try:
        hotswap_adapter(other.eval(), "adapter", adapter_name="default", torch_device="cpu")
        failed += [f"{dora=}"] * ((other(x).logits - trained.eval()(x).logits).abs().max() > 1e-4)
    except KeyError as error:
        failed.append(f"{dora=} (KeyError {error})")
sys.exit(print("hotswap_adapter failed with:", *failed or ["nothing"]) or bool(failed))
