"""What README.md and docs say that the code decides."""
