"""Values and rules that every other room builds on: no torch, PEFT, Hypothesis or pytest."""
