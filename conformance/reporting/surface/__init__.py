"""What the suite exercises of PEFT's public functions and options: recorded, never typed."""
