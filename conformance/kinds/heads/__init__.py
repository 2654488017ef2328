"""Heads of other tasks: what PEFT trains, saves and merges beside the adapter."""
