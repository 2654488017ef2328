"""The names of the devices a life can be lived on; no torch."""

from __future__ import annotations

DEVICES = ("cpu", "cuda", "emulated")


class UnknownDeviceError(ValueError):
    """A device was asked for that is not one of `DEVICES`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown device {name!r}: choose from {', '.join(DEVICES)}")


def peft_load_device(name: str) -> str:
    """Return the `torch_device` to pass where PEFT reads an adapter for a model on this device.

    PEFT hands that argument to safetensors, which reads onto the devices it knows by name and
    refuses any other, so an adapter for `emulated` is read on the CPU. Without the argument PEFT
    guesses with `infer_device()`, which ignores where the base model lies.
    """
    _require_known(name)
    return "cpu" if name == "emulated" else name


def _require_known(name: str) -> None:
    if name not in DEVICES:
        raise UnknownDeviceError(name)
