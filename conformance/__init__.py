"""A property-based conformance suite for PEFT: generate cases, observe lives, judge promises."""
