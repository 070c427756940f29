"""Loading in 8 or 4 bits and over several GPUs: granted where all that it needs is there, else refused in one line."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import BuildRequest

NONE, AUTO = "none", "auto"
QUANTIZE = (NONE, "8bit", "4bit")
DEVICE_MAPS = (NONE, AUTO)
BITS = {"8bit": "8 bits", "4bit": "4 bits"}
"""In words."""
BYTES_OF_MATRICES = {"8bit": 1.0, "4bit": 0.5 + 4 / 64}
"""Of one parameter of a matrix: in 4 bits every 64 share a scale in single precision, in 8 bits a whole row does."""
PACKAGES = {"quantize": ("bitsandbytes", "accelerate"), "device_map": ("accelerate",)}
"""What has to be installed, and the extra of the kit that brings it."""


def require_loading(
    name: str, request: BuildRequest, quantize: Sequence[str] = (), *, device_map: bool = False
) -> None:
    """Refuse a request to load in fewer bits or over several GPUs that cannot be granted; nothing is built.

    Args:
        name: Of the encoder, for the message.
        request: What is asked for.
        quantize: Formats that its plugin loads: of ``8bit`` and ``4bit``.
        device_map: Whether its plugin spreads a model over GPUs.

    Raises:
        UsageError: if the plugin, the weights, a package or a device stands against it.
    """
    require_offered(name, request, quantize, device_map=device_map)
    require_hardware(request.quantize, request.device_map, request.device)


def require_offered(
    name: str, request: BuildRequest, quantize: Sequence[str] = (), *, device_map: bool = False
) -> None:
    """The part of ``require_loading`` that asks no machine. Raises: UsageError."""
    _require_known(request.quantize, request.device_map)
    asked = _asked(request.quantize, request.device_map)
    if request.quantize != NONE and request.quantize not in quantize:
        can = f"it loads {', '.join(quantize)} only" if quantize else "its plugin loads weights in --dtype only"
        raise UsageError(f"--quantize {request.quantize}: {name} cannot, {can}; leave it out by --candidate")
    if request.device_map != NONE and not device_map:
        raise UsageError(
            f"--device-map {request.device_map}: {name} cannot, its plugin puts a model on one device; leave it out by "
            "--candidate"
        )
    if asked and request.weights == "random":
        raise UsageError(
            f"{asked}: {name} has random weights here, and only those of a checkpoint are loaded so; give "
            "--weights pretrained"
        )


def require_hardware(quantize: str, device_map: str, device: str) -> None:
    """Refuse what this machine cannot do, whatever the encoder. Raises: UsageError."""
    _require_known(quantize, device_map)
    if quantize != NONE and not device.startswith("cuda"):
        raise UsageError(f"--quantize {quantize}: it needs a GPU (--device cuda), and --device is {device}")
    if device_map != NONE and device != "cuda":
        raise UsageError(
            f"--device-map {device_map}: it takes all GPUs of the machine (--device cuda), and --device is {device}"
        )
    for option, value in (("quantize", quantize), ("device_map", device_map)):
        missing = [package for package in PACKAGES[option] if find_spec(package) is None] if value != NONE else []
        if missing:
            flag = option.replace("_", "-")
            raise UsageError(
                f"--{flag} {value}: {' and '.join(missing)} not installed (pip install 'foresight-vlm-kit[{flag}]')"
            )
    if device_map != NONE:
        import torch

        count = torch.cuda.device_count()
        if count < 2:
            raise UsageError(
                f"--device-map {device_map}: torch finds {count} GPU(s) on this machine, and a map needs two; leave it "
                "out"
            )


def weights_in(quantize: str, dtype: str) -> str:
    """How weights are held, in words: ``bfloat16``, or ``8 bits``."""
    return BITS.get(quantize, dtype)


def _require_known(quantize: str, device_map: str) -> None:
    for option, value, choices in (("--quantize", quantize, QUANTIZE), ("--device-map", device_map, DEVICE_MAPS)):
        if value not in choices:
            raise UsageError(f"{option} {value}: unknown; choose one of {', '.join(choices)}")


def _asked(quantize: str, device_map: str) -> str:
    said = [f"--quantize {quantize}"] if quantize != NONE else []
    return " ".join([*said, *([f"--device-map {device_map}"] if device_map != NONE else [])])
