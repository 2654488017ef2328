"""Every tuner that PEFT has, and the variants of LoRA, on the same models and in the same life."""
