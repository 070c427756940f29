"""Models of the transformers library in parts: seeded, or loaded from checkpoints whose names the library maps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from foresight_harness.parts.weights.formats import NONE
from foresight_harness.parts.weights.seeding import fill_parameters, seeded_model
from foresight_harness.weights import (
    header_of,
    library_folder,
    read_by_library,
    require_complete,
    weight_files,
    wrapper_of,
)

from foresight_vlm_kit.counting import count, count_matrices, require_both, require_held
from foresight_vlm_kit.language import LibraryLanguage
from foresight_vlm_kit.origin import Origin, require_size
from foresight_vlm_kit.placing import placed_by, require_on_gpus


@dataclass(frozen=True)
class LibraryModel:
    """Where the parts of one model are found in the library, and under which names in published checkpoints."""

    config: Any
    """Of the whole model."""
    origin: Origin
    whole: Any
    """Class of the multimodal model without a vocabulary head."""
    tower: Any
    """Class of the vision tower."""
    text: Any
    """Class of the language model."""
    tower_name: str
    """For messages, and the label of its seed."""
    tower_keys: str
    """Pattern of what published names of the tower begin with."""
    text_keys: str
    """The same of the language model."""
    not_tower: Sequence[str]
    """Patterns of published names that belong to other parts than the tower."""
    not_text: Sequence[str]
    """The same of the language model, vocabulary head and deeper blocks apart."""
    unused: Sequence[str]
    """Parts of ``whole`` that do not run behind the tower."""

    def require_memory(self, taps: Iterable[str]) -> None:
        """Refuse tower and language blocks that memory does not hold together. Raises: UsageError."""
        require_both(
            self.origin,
            taps,
            self.tower_name,
            lambda: count_params(self.tower, self.config.vision_config),
            lambda depth: count_params(self.text, self._first_blocks(depth)),
            lambda depth: (
                count_params(self.tower, self.config.vision_config, matrices=True)
                + count_params(self.text, self._first_blocks(depth), matrices=True)
            ),
        )

    def build_tower(self) -> Any:
        """The vision tower, alone. Raises: CheckpointError, UsageError."""
        keys = {self.tower_keys: ""}
        return _build(self.tower, self.config.vision_config, self.origin, self.tower_name, keys, self.not_tower)

    def build_language(self, depth: int, prompt: Sequence[int]) -> LibraryLanguage:
        """The first ``depth`` blocks with their embeddings; ``prompt`` stands before a picture.

        Raises:
            CheckpointError: if a tensor is missing, unexpected or of another shape.
            UsageError: if memory does not hold them.
        """
        deeper = [rf"^layers\.{index}\." for index in range(depth, self.config.text_config.num_hidden_layers)]
        others = [*self.not_text, r"^lm_head", *deeper]
        config = self._first_blocks(depth)
        built = _build(self.text, config, self.origin, "language_model", {self.text_keys: ""}, others)
        return LibraryLanguage(self.whole, self.config, built, prompt, self.unused, self.origin.meeting_place)

    def build_whole(self, head_class: Any, parts: Mapping[str, str]) -> Any:
        """Everything, vocabulary head included, as one model of the library.

        Args:
            head_class: Of the model that says words.
            parts: Modules of it by the label of their random weights: those of the parts that encoders build.

        Raises:
            CheckpointError: if a tensor is missing, unexpected or of another shape.
            UsageError: if memory does not hold it.
        """
        model = _build(head_class, self.config, self.origin, "model", {}, ())
        if self.origin.folder is None:
            for label, module in parts.items():
                fill_parameters(model.get_submodule(module), self.origin.seed, label)
        return model

    def _first_blocks(self, depth: int) -> Any:
        cut = deepcopy(self.config.text_config)
        cut.num_hidden_layers = depth
        if getattr(cut, "layer_types", None) is not None:
            cut.layer_types = cut.layer_types[:depth]
        return cut


def count_params(model_class: Any, config: Any, *, matrices: bool = False) -> int:
    """Parameters of a model at a configuration, counted without allocating them; once a process.

    Those in ``matrices`` of linear layers alone are what quantising touches.
    """
    known = (model_class, config.to_json_string(use_diff=False))
    if known not in _counted:
        with torch.device("meta"):
            model = model_class(deepcopy(config))
        _counted[known] = (count(model), count_matrices(model))
    return _counted[known][matrices]


_counted: dict[tuple[Any, str], tuple[int, int]] = {}


def preset_config(config_class: Any, published: Mapping[str, Any]) -> Any:
    """The library's configuration from a published one, which stays unchanged."""
    return config_class.from_dict(deepcopy(dict(published)))


def config_of(
    config_class: Any, published: Mapping[str, Any], origin: Origin, shapes: Mapping[str, tuple[str, ...]]
) -> Any:
    """The checkpoint's own configuration where there is a checkpoint, else that of the size that was asked for.

    Args:
        config_class: Of the library.
        published: The size's own configuration.
        origin: Of the weights.
        shapes: Part of the configuration to the fields that must be equal; ``""`` is the configuration itself.

    Raises:
        CheckpointError: naming the first field in which the checkpoint is of another size or kind.
    """
    expected = preset_config(config_class, published)
    if origin.folder is None:
        return expected
    with read_by_library(f"{origin.folder}/config.json"):
        found = preset_config(config_class, origin.config)
    for part, fields in shapes.items():
        given, wanted = ((getattr(one, part) if part else one).to_dict() for one in (found, expected))
        require_size(origin, part.removesuffix("_config") or "own", given, wanted, fields)
    return found


def _build(
    model_class: Any, config: Any, origin: Origin, part: str, keys: Mapping[str, str], others: Sequence[str]
) -> Any:
    """One part in evaluation mode, without gradients, on its device; ``config`` stays unchanged."""
    matrices = partial(count_params, model_class, config, matrices=True)
    require_held(origin, f"{origin.name} ({part})", count_params(model_class, config), matrices)
    config = deepcopy(config)
    chosen = {"attn_implementation": origin.attention, "dtype": origin.torch_dtype}
    if origin.folder is None:
        from transformers.initialization import no_init_weights

        with no_init_weights():
            model: Any = seeded_model(lambda: model_class._from_config(config, **chosen), origin.seed, part)
    else:
        wrapper = re.escape(wrapper_of(name for path in weight_files(origin.folder) for name in header_of(path)))
        inside = {pattern.replace("^", f"^{wrapper}", 1): name for pattern, name in keys.items()}
        others = [pattern.replace("^", f"^({wrapper})?", 1) for pattern in others] if wrapper else others
        with _quiet(), torch.random.fork_rng(devices=[]), library_folder(origin.folder) as place:
            model, report = model_class.from_pretrained(
                str(place),
                config=config,
                key_mapping=inside,
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # so that they are told by name below, with everything else
                output_loading_info=True,
                **chosen,
                **placed_by(origin),
            )
        require_complete(
            f"{origin.folder} ({part})",
            missing=report["missing_keys"],
            unexpected=report["unexpected_keys"],
            mismatched=report["mismatched_keys"],
            ignore=others,
        )
    if origin.quantize == NONE and origin.device_map == NONE:
        model = model.to(origin.device)
    else:  # placed while it was loaded, and a model in 8 bits refuses to be moved
        require_on_gpus(origin, part, model)
    return model.eval().requires_grad_(False)


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
