"""Other tuners than LoRA, and its variants, each on the placements that it can stand on."""
