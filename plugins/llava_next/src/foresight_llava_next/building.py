"""Building the parts of LLaVA-NeXT: tower and projector at once, the language model when it is first read."""

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
from foresight_harness.parts.weights.seeding import fill_parameters, seeded_model
from foresight_harness.weights import (
    check_folder,
    checkpoint_folder,
    read_tensors,
    require_complete,
    require_memory,
    resolve_attention,
)
from torch import nn

from foresight_llava_next.presets import Preset
from foresight_llava_next.taps import llm_depth

if TYPE_CHECKING:
    from transformers.models.clip.modeling_clip import CLIPVisionModel
    from transformers.models.llava_next.configuration_llava_next import LlavaNextConfig

    from foresight_llava_next.encoder import LlavaNextEncoder

ATTENTION = ("eager", "sdpa", "flash_attention_2")
TOWER_KEYS = {r"^vision_tower\.(vision_model\.)?": ""}
NOT_TOWER = [r"^language_model\.", r"^multi_modal_projector\.", r"^image_newline$", r"^embeddings\.position_ids$"]
LANGUAGE_KEYS = {r"^language_model\.(model\.)?": ""}
NOT_LANGUAGE = [r"^vision_tower\.", r"^multi_modal_projector\.", r"^image_newline$", r"^lm_head"]
PROJECTOR = "multi_modal_projector."


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


class Connector(nn.Module):
    """What lies between tower and language model: the projector, and the learned end of a row."""

    def __init__(self, config: LlavaNextConfig) -> None:
        """Construct without values; ``build_connector`` fills it."""
        from transformers.models.llava_next.modeling_llava_next import LlavaNextMultiModalProjector

        super().__init__()
        text: Any = config.text_config
        self.multi_modal_projector = LlavaNextMultiModalProjector(config)
        self.image_newline = nn.Parameter(torch.empty(text.hidden_size))


def build_encoder(preset: Preset, request: BuildRequest, *, tiled: bool) -> LlavaNextEncoder:
    """Build tower and projector; the language model follows when a tap of it is first asked for.

    Args:
        preset: The size.
        request: What the harness asks for.
        tiled: Read the high-resolution tiles instead of the base tile.

    Raises:
        UsageError: if memory, attention or input size do not allow it.
        CheckpointError: if the checkpoint is absent, damaged, unsafe or of another size.
    """
    from foresight_llava_next.encoder import LlavaNextEncoder

    attention = resolve_attention(request.attention, ATTENTION, request.device, request.dtype)
    if request.weights not in ("random", "pretrained"):
        raise UsageError(f"{preset.name} has no {request.weights} weights; choose random or pretrained")
    folder, config = None, preset_config(preset.config)
    if request.weights == "pretrained":
        folder = checkpoint_folder(request.source, preset.repo, None)
        check_folder(folder, model_types=["llava_next"], expected="LLaVA-NeXT")
        config = _checkpoint_config(folder, config, preset.name)
    origin = Origin(preset.name, folder, request.seed, request.device, request.dtype, attention)
    input_px = _input_px(preset, request.input_px, tiled)
    _require_both(config, origin, max((llm_depth(tap) or 0 for tap in request.taps), default=0))
    return LlavaNextEncoder(
        preset,
        config,
        origin,
        build_tower(config, origin),
        build_connector(config, origin),
        input_px if tiled else None,
    )


def preset_config(published: Mapping[str, Any]) -> LlavaNextConfig:
    """The library's configuration from a published one, which stays unchanged."""
    from transformers.models.llava_next.configuration_llava_next import LlavaNextConfig

    return LlavaNextConfig.from_dict(deepcopy(dict(published)))


def build_tower(config: LlavaNextConfig, origin: Origin) -> CLIPVisionModel:
    """The vision tower, alone."""
    from transformers.models.clip.modeling_clip import CLIPVisionModel

    tower: CLIPVisionModel = _build(
        CLIPVisionModel, config.vision_config, origin, part="vision_tower", keys=TOWER_KEYS, ignore=NOT_TOWER
    )
    return tower


def build_connector(config: LlavaNextConfig, origin: Origin) -> Connector:
    """Projector and end of row."""
    with torch.device("meta"):
        connector = Connector(config)
    connector = connector.to(origin.torch_dtype).to_empty(device="cpu")
    if origin.folder is None:
        fill_parameters(connector, origin.seed, "connector")
    else:
        tensors = dict(read_tensors(origin.folder, lambda name: name == "image_newline" or name.startswith(PROJECTOR)))
        own = connector.state_dict()
        require_complete(
            str(origin.folder),
            missing=own.keys() - tensors.keys(),
            unexpected=tensors.keys() - own.keys(),
            mismatched=[name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape],
        )
        connector.load_state_dict(tensors)
    return connector.to(origin.device).eval().requires_grad_(False)


def build_language(config: LlavaNextConfig, origin: Origin, depth: int) -> nn.Module:
    """The first ``depth`` blocks of the language model with its embeddings, and no vocabulary head."""
    text: Any = config.text_config
    cut, blocks = _cut(config, depth), text.num_hidden_layers
    deeper = [rf"^layers\.{index}\." for index in range(depth, blocks)]
    built: nn.Module = _build(
        _language_class(cut.model_type),
        cut,
        origin,
        part="language_model",
        keys=LANGUAGE_KEYS,
        ignore=[*NOT_LANGUAGE, *deeper],
    )
    return built


def _cut(config: LlavaNextConfig, depth: int) -> Any:
    """The language model's configuration with its first ``depth`` blocks."""
    cut: Any = deepcopy(config.text_config)
    cut.num_hidden_layers = depth
    return cut


def _require_both(config: LlavaNextConfig, origin: Origin, depth: int) -> None:
    """Refuse a tower and ``depth`` language blocks that memory does not hold together, before either is built."""
    from transformers.models.clip.modeling_clip import CLIPVisionModel

    if depth:
        cut = _cut(config, depth)
        params = count_params(CLIPVisionModel, config.vision_config)
        params += count_params(_language_class(cut.model_type), cut)
        what = f"{origin.name} (vision_tower and {depth} blocks of the language_model)"
        require_memory(what, params, origin.device, origin.dtype)


def count_params(model_class: Any, config: Any) -> int:
    """Parameters of a model at a configuration, counted without allocating them."""
    with torch.device("meta"):
        model = model_class(deepcopy(config))
    return sum(parameter.numel() for parameter in model.parameters())


def _language_class(model_type: str) -> Any:
    if model_type == "mistral":
        from transformers.models.mistral.modeling_mistral import MistralModel

        return MistralModel
    from transformers.models.llama.modeling_llama import LlamaModel

    return LlamaModel


def _input_px(preset: Preset, asked: int | None, tiled: bool) -> int:
    sides = (preset.tile_px, 2 * preset.tile_px) if tiled else (preset.tile_px,)
    chosen = sides[-1] if asked is None else asked
    if chosen not in sides:
        raise UsageError(
            f"{preset.name} at {asked} px: its tower takes tiles of {preset.tile_px} px, so input_px is "
            f"{' or '.join(map(str, sides))}"
        )
    return chosen


def _build(
    model_class: Any, config: Any, origin: Origin, *, part: str, keys: Mapping[str, str], ignore: list[str]
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


def _checkpoint_config(folder: Path, expected: LlavaNextConfig, name: str) -> LlavaNextConfig:
    """The checkpoint's own configuration, refused where it is not of the kind that the spec has declared."""
    from transformers.models.llava_next.configuration_llava_next import LlavaNextConfig

    found = LlavaNextConfig.from_pretrained(folder, local_files_only=True)
    for part, fields in _SHAPES.items():
        for field in fields:
            wanted, given = (getattr(getattr(config, part), field) for config in (expected, found))
            if wanted != given:
                raise CheckpointError(
                    f"{folder} is another kind of LLaVA-NeXT: {part}.{field} is {given}, {name} has {wanted}"
                )
    for field in ("vision_feature_layer", "vision_feature_select_strategy"):
        if getattr(found, field) != getattr(expected, field):
            raise CheckpointError(
                f"{folder}: {field} is {getattr(found, field)}; {name} has {getattr(expected, field)}"
            )
    return found


_SHAPES = {
    "vision_config": ("model_type", "num_hidden_layers", "hidden_size", "patch_size", "image_size"),
    "text_config": ("model_type", "num_hidden_layers", "hidden_size"),
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
