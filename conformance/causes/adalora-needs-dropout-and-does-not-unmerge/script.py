# AdaLoRA without dropout cannot be wrapped; with it, it cannot be unmerged.
import sys

from peft import AdaLoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
adalora = {"init_r": 8, "target_r": 4, "total_step": 100, "lora_alpha": 8}
failed = {}
for dropout in (0.0, 0.1):
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
    config = AdaLoraConfig(lora_dropout=dropout, target_modules=["q_proj"], **adalora)
    try:
        layer = get_peft_model(base, config).base_model.model.model.layers[0].self_attn.q_proj
        layer.merge()
        layer.unmerge()
    except TypeError as error:
        failed[f"lora_dropout={dropout}"] = str(error)
print(f"TypeError of AdaLoRA that is wrapped, merged and unmerged: {failed or 'none'}")
sys.exit(bool(failed))
