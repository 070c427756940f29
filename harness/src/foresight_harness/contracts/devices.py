"""Devices by name: ``cpu``, ``cuda``, ``cuda:1``, ``mps``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from foresight_harness.contracts.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

KNOWN = re.compile(r"cpu|cuda(:\d+)?|mps")


def check_device_name(device: str) -> None:
    """Refuse what is no device's name. Imports no torch. Raises: UsageError."""
    if not KNOWN.fullmatch(device):
        raise UsageError(f"--device {device}: unknown; choose cpu, cuda, cuda:N or mps")


def require_device(device: str) -> None:
    """Refuse a device that this machine does not have, before any work. Raises: UsageError."""
    check_device_name(device)
    if device == "cpu":
        return
    import torch

    if device == "mps":
        if not torch.backends.mps.is_available():
            raise UsageError("--device mps: this machine has no Metal device that torch can use; leave --device out")
        return
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    asked = int(device.partition(":")[2] or 0)
    if asked >= count:
        found = "no CUDA device" if count == 0 else f"{count} CUDA device(s), cuda:0 to cuda:{count - 1}"
        raise UsageError(
            f"--device {device}: torch finds {found} on this machine; leave --device out, or choose another"
        )


def in_double(values: Tensor) -> Tensor:
    """In double precision where the device has it, else on the CPU: Metal has none."""
    return values.cpu().double() if values.device.type == "mps" else values.double()
