"""Loading by the transformers library in fewer bits and over several GPUs: what it is told, and what came of it."""

from __future__ import annotations

from typing import Any

from foresight_harness import UsageError
from foresight_harness.parts.weights.formats import NONE

from foresight_vlm_kit.origin import Origin

OFF_GPU = ("cpu", "disk", "meta")


def placed_by(origin: Origin) -> dict[str, Any]:
    """Arguments of ``from_pretrained`` beside those of every load; none where neither option is given.

    In 8 bits ``LLM.int8()`` as its library has it: rows are scaled, inputs are rounded to float16, and columns of
    outliers (above 6) stay in it. In 4 bits NormalFloat, scales in single precision, multiplied in the origin's
    dtype.

    Source: bitsandbytes (arXiv 2208.07339, 2305.14314); defaults of ``BitsAndBytesConfig`` of transformers 5.23.
    """
    if origin.quantize == NONE and origin.device_map == NONE:
        return {}
    told: dict[str, Any] = {"device_map": origin.device_map if origin.device_map != NONE else {"": origin.device}}
    if origin.quantize != NONE:
        from transformers import BitsAndBytesConfig

        config: Any = BitsAndBytesConfig
        fine = {"bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": origin.torch_dtype}
        told["quantization_config"] = (
            config(load_in_8bit=True) if origin.quantize == "8bit" else config(load_in_4bit=True, **fine)
        )
    return told


def require_on_gpus(origin: Origin, part: str, model: Any) -> None:
    """Refuse a model of which a piece was left in main memory or on disk: it would run at another speed, unsaid.

    Raises:
        UsageError: naming the first piece.
    """
    places = getattr(model, "hf_device_map", None) or {}
    off = {name: str(place) for name, place in places.items() if str(place) in OFF_GPU}
    if off and origin.device != "cpu":
        name, place = next(iter(off.items()))
        raise UsageError(
            f"{origin.name} ({part}): {len(off)} of {len(places)} pieces do not fit the GPUs ({name or 'all'} is on "
            f"{place}); use --quantize 4bit, a smaller size or more GPUs"
        )
