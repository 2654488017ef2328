"""Saved artifacts: what one version saved, loaded by another."""
