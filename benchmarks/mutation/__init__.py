"""Mutants of the installed PEFT, and whether the suite notices them."""
