"""Regressions: recorded cases, one small file each, with the invariants they must satisfy."""
