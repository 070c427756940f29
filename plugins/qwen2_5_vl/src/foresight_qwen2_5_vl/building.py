"""Building the parts of Qwen2.5-VL: the tower at once, the language model when it is first read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from foresight_harness.contracts.errors import CheckpointError, UsageError
from foresight_harness.contracts.specs import BuildRequest
from foresight_harness.parts.weights.seeding import seeded_model
from foresight_harness.weights import (
    check_folder,
    checkpoint_folder,
    require_complete,
    require_memory,
    resolve_attention,
)

from foresight_qwen2_5_vl.presets import Preset
from foresight_qwen2_5_vl.taps import llm_depth

if TYPE_CHECKING:
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
        Qwen2_5_VisionTransformerPretrainedModel,
        Qwen2_5_VLTextModel,
    )

    from foresight_qwen2_5_vl.encoder import Qwen25VLEncoder

ATTENTION = ("eager", "sdpa", "flash_attention_2")
TOWER_KEYS = {r"^(model\.)?visual\.": ""}
LANGUAGE_KEYS = {r"^model\.(language_model\.)?": ""}


@dataclass(frozen=True)
class Origin:
    """Where weights come from and how they are held."""

    name: str
    """Of the encoder, for messages."""
    folder: Path | None
    """Checkpoint in the published layout; None for random weights."""
    seed: int
    device: str
    dtype: str
    attention: str
    """Resolved: never ``auto``."""

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype as torch names it."""
        return getattr(torch, self.dtype)  # type: ignore[no-any-return]


def build_encoder(preset: Preset, request: BuildRequest) -> Qwen25VLEncoder:
    """Build the vision tower; the language model follows when a tap of it is first asked for.

    Raises:
        UsageError: if memory, attention or dtype do not allow it.
        CheckpointError: if the checkpoint is absent, damaged, unsafe or of another size.
    """
    from foresight_qwen2_5_vl.encoder import Qwen25VLEncoder

    attention = resolve_attention(request.attention, ATTENTION, request.device, request.dtype)
    if request.dtype == "float16":
        raise UsageError(f"{preset.name} in float16: its tower's activations overflow there. Use bfloat16 or float32.")
    if request.weights not in ("random", "pretrained"):
        raise UsageError(f"{preset.name} has no {request.weights} weights; choose random or pretrained")
    folder, config = None, preset_config(preset.config)
    if request.weights == "pretrained":
        folder = checkpoint_folder(request.source, preset.repo, None)
        check_folder(folder, model_types=["qwen2_5_vl"], expected="Qwen2.5-VL")
        config = _checkpoint_config(folder, config, preset.name)
    origin = Origin(preset.name, folder, request.seed, request.device, request.dtype, attention)
    _require_both(config, origin, max((llm_depth(tap) or 0 for tap in request.taps), default=0))
    return Qwen25VLEncoder(preset, config, origin, build_tower(config, origin), request.input_px)


def preset_config(published: Mapping[str, Any]) -> Qwen2_5_VLConfig:
    """The library's configuration from a flat published one, which stays unchanged."""
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig

    return Qwen2_5_VLConfig.from_dict(deepcopy(dict(published)))


def build_tower(config: Qwen2_5_VLConfig, origin: Origin) -> Qwen2_5_VisionTransformerPretrainedModel:
    """The vision tower with its merger, alone."""
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VisionTransformerPretrainedModel as Tower

    ignore = [r"^model\.", r"^lm_head"]
    tower: Tower = _build(Tower, config.vision_config, origin, part="visual", keys=TOWER_KEYS, ignore=ignore)
    return tower


def build_language(config: Qwen2_5_VLConfig, origin: Origin, depth: int) -> Qwen2_5_VLTextModel:
    """The first ``depth`` blocks of the language model with its embeddings, and no vocabulary head."""
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

    text: Any = config.text_config
    cut, blocks = _cut(config, depth), text.num_hidden_layers
    deeper = [rf"^layers\.{index}\." for index in range(depth, blocks)]
    ignore = [r"^visual\.", r"^lm_head", *deeper]
    built: Qwen2_5_VLTextModel = _build(
        Qwen2_5_VLTextModel, cut, origin, part="language_model", keys=LANGUAGE_KEYS, ignore=ignore
    )
    return built


def _cut(config: Qwen2_5_VLConfig, depth: int) -> Any:
    """The language model's configuration with its first ``depth`` blocks."""
    cut: Any = deepcopy(config.text_config)
    cut.num_hidden_layers, cut.layer_types = depth, cut.layer_types[:depth]
    return cut


def _require_both(config: Qwen2_5_VLConfig, origin: Origin, depth: int) -> None:
    """Refuse a tower and ``depth`` language blocks that memory does not hold together, before either is built."""
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as library

    if depth:
        tower = count_params(library.Qwen2_5_VisionTransformerPretrainedModel, config.vision_config)
        language = count_params(library.Qwen2_5_VLTextModel, _cut(config, depth))
        what = f"{origin.name} (visual and {depth} blocks of the language_model)"
        require_memory(what, tower + language, origin.device, origin.dtype)


def count_params(model_class: Any, config: Any) -> int:
    """Parameters of a model at a configuration, counted without allocating them."""
    with torch.device("meta"):
        model = model_class(deepcopy(config))
    return sum(parameter.numel() for parameter in model.parameters())


def _build(
    model_class: Any,
    config: Any,
    origin: Origin,
    *,
    part: str,
    keys: Mapping[str, str],
    ignore: list[str],
) -> Any:
    what = f"{origin.name} ({part})"
    require_memory(what, count_params(model_class, config), origin.device, origin.dtype)
    config = deepcopy(config)
    if origin.folder is None:
        from transformers.initialization import no_init_weights

        chosen = {"attn_implementation": origin.attention, "dtype": origin.torch_dtype}
        with no_init_weights():
            model: Any = seeded_model(lambda: model_class._from_config(config, **chosen), origin.seed, part)
    else:
        model = _load(model_class, config, origin, keys, ignore)
    return model.to(origin.device).eval().requires_grad_(False)


def _load(model_class: Any, config: Any, origin: Origin, keys: Mapping[str, str], ignore: list[str]) -> Any:
    with _quiet(), torch.random.fork_rng(devices=[]):
        model, report = model_class.from_pretrained(
            str(origin.folder),
            config=config,
            key_mapping=dict(keys),
            attn_implementation=origin.attention,
            dtype=origin.torch_dtype,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # so that they are told by name below, with everything else
            output_loading_info=True,
        )
    require_complete(
        str(origin.folder),
        missing=report["missing_keys"],
        unexpected=report["unexpected_keys"],
        mismatched=[entry[0] for entry in report["mismatched_keys"]],
        ignore=ignore,
    )
    return model


def _checkpoint_config(folder: Path, expected: Qwen2_5_VLConfig, name: str) -> Qwen2_5_VLConfig:
    """The checkpoint's own configuration, refused where its shapes are not those that the spec has declared."""
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig

    found = Qwen2_5_VLConfig.from_pretrained(folder, local_files_only=True)
    for part, fields in _SHAPES.items():
        for field in fields:
            wanted, given = (getattr(getattr(config, part), field) for config in (expected, found))
            if wanted != given:
                raise CheckpointError(
                    f"{folder} is another size of Qwen2.5-VL: {part}.{field} is {given}, {name} has {wanted}"
                )
    return found


_SHAPES = {
    "vision_config": ("depth", "hidden_size", "out_hidden_size", "patch_size", "spatial_merge_size", "window_size"),
    "text_config": ("num_hidden_layers", "hidden_size"),
}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's table of unexpected keys and its progress bar: ``require_complete`` says what matters."""
    from transformers.utils import logging as library_logging

    logging: Any = library_logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
