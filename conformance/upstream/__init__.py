"""PEFT: the only room that imports it or knows its versions."""
