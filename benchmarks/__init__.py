"""What the suite costs, measured: each script writes its own row of the README's table."""
