"""How far rounding moves what holds, and faults move what breaks, over what is allowed."""
