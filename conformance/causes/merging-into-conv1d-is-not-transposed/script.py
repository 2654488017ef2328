# Tuners on GPT-2's Conv1D, which stores its weight transposed: is it merged the right way round?
import sys, peft, torch
from transformers import GPT2Config, GPT2LMHeadModel
ids, failed = torch.arange(32)[None], {}
lora = {"init_r": 8, "target_r": 4, "total_step": 100, "lora_dropout": 0.1, "lora_alpha": 8}
options = {"AdaLora": lora, "IA3": {"feedforward_modules": []}, "Lora": {"use_dora": True}}
options |= {"FourierFT": {"n_frequency": 50}, "WaveFT": {"n_frequency": 50}}
for name, option in options.items():
    option |= {"target_modules": ["c_attn"], "fan_in_fan_out": True}
    base = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4))
    try:
        config = getattr(peft, f"{name}Config")(**option)
    except (AttributeError, TypeError):
        continue  # this version has no such tuner, or no DoRA
    try:
        model = peft.get_peft_model(base, config).eval()
        getattr(model, "merge_adapter", model.merge_and_unload)()
        if name == "Lora":
            model.unmerge_adapter()
        model.merge_and_unload()(ids)
    except (RuntimeError, TypeError) as error:
        failed[name] = f"{type(error).__name__} {error}"
    except ValueError:
        continue  # an IA3 of this version does not merge GPT-2
sys.exit(print(f"merging failed: {failed}") or bool(failed))
