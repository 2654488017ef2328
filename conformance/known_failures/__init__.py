"""What is declared of upstream: known failures and regressions, read."""
