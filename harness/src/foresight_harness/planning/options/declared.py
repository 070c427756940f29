"""The options of a run, declared once: for pytest, for the command, for ``score()`` and for ``foresight.toml``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from foresight_harness.parts.training.recipe import DEFAULT_RECIPE

KEPT_PICTURES = 2
"""Pictures of a reconstruction that are kept as they come, where nobody asks for more."""
MAP_TOKENS = 300
"""Tokens of a map of token space, where nobody asks for more."""
KINDS: Mapping[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
"""What a value of an option may be, in words."""


@dataclass(frozen=True)
class Option:
    """One option of a run; an option that is not given is None until ``run_options`` fills in its default."""

    name: str
    """As in Python and in records; ``flag`` is how it is written in a command."""
    help: str
    metavar: str | None = None
    kind: type = str
    """Of one value."""
    default: Any = None
    """What holds where nobody says anything; () for an option that may be given more than once."""

    @property
    def flag(self) -> str:
        """``--train-size``."""
        return f"--{self.long_name}"

    @property
    def long_name(self) -> str:
        """``train-size``, as ``foresight.toml`` has it."""
        return self.name.replace("_", "-")

    @property
    def repeatable(self) -> bool:
        """Whether it may be given more than once: a list, or one text."""
        return isinstance(self.default, tuple)

    def keywords(self) -> dict[str, Any]:
        """For argparse's ``add_argument`` and pytest's ``addoption``."""
        if self.kind is bool:
            return {"action": "store_true", "default": None, "help": self.help}
        action = {"action": "append"} if self.repeatable else {}
        return {**action, "default": None, "type": self.kind, "metavar": self.metavar, "help": self.help}


OPTIONS = (
    Option(
        "candidate",
        "score only the matrix's candidates that fit (repeatable), or a whole candidate string",
        "GLOB",
        default=(),
    ),
    Option("matrix", "set of candidates; default smoke", "NAME|FILE"),
    Option("scale", "how much is measured; default the matrix's own, else smoke", "smoke|small|full"),
    Option(
        "dataset",
        "data set (repeatable); default the matrix's own, else shapes and kinds. "
        "coco:DIR, folder:DIR, video:DIR and hf:NAME are your own (docs/data-sets.md)",
        "NAME[:PATH]",
        default=(),
    ),
    Option(
        "weights",
        "default: random for tiny encoders, pretrained for published sizes",
        "pretrained|nano|random",
    ),
    Option(
        "weights_source",
        "pretrained weights of one encoder or decoder (repeatable): a folder in the published layout, a Hub id or "
        "ID@REVISION, for timm also one .safetensors file",
        "NAME=SOURCE",
        default=(),
    ),
    Option(
        "trust_weights",
        "let the pretrained weights of this encoder or decoder pass gates though they are not known as published "
        "(repeatable); the verdict says so",
        "NAME",
        default=(),
    ),
    Option(
        "no_twins",
        "score candidates with trained weights without the same ones with random weights, and raw pixels, beside",
        kind=bool,
        default=False,
    ),
    Option("device", "default cpu; cuda:1 is the second of several, mps Apple's", "cpu|cuda|mps", default="cpu"),
    Option("dtype", "of features; default float32", "float32|bfloat16|float16", default="float32"),
    Option(
        "cache_dtype",
        "round features to this where the cache keeps them: half the disk of float32, and the protocol says so "
        "(docs/cache.md)",
        "float16|bfloat16",
    ),
    Option("attention", "default auto", "auto|sdpa|eager|flash_attention_2", default="auto"),
    Option(
        "quantize",
        "load the matrices of vision-language models in fewer bits, by name in protocol and provenance; needs a GPU "
        "(docs/weights.md)",
        "none|8bit|4bit",
        default="none",
    ),
    Option(
        "device_map",
        "auto spreads each vision-language model over all GPUs; needs --device cuda and two of them (docs/weights.md)",
        "none|auto",
        default="none",
    ),
    Option("seeds", "seeds of trained parts; default by scale", "N", int),
    Option("steps", "optimiser steps of trained parts, of each phase of a fit; default by scale", "N", int),
    Option(
        "patience",
        "stop a fit after N looks at a held-out eighth of its training pictures without a better one, "
        "keeping the best; a look is taken every twentieth of the steps; default: every step is made",
        "N",
        int,
    ),
    Option(
        "learning_rate",
        "of fits; sweep: each fit tries a quarter of the recipe's own, that, and four times that for a quarter of its "
        "steps, and a held-out eighth of its training pictures decides; default by recipe",
        "RATE|sweep",
    ),
    Option("train_size", "pictures that everything is fitted on; default by scale", "N", int),
    Option("picture_px", "side of the pictures, and of what encoders are fed where they take any size", "N", int),
    Option(
        "input",
        "what encoders are fed: own size each (default), the same side in pixels, or sides that give as many tokens",
        "own|equal-pixels|equal-tokens",
    ),
    Option("max_pixels", "greatest picture of a file that is decoded; default 120 million pixels", "N", int),
    Option(
        "probe",
        "score this probe beside the primary one (repeatable); foresight-bench plugins lists them",
        "NAME",
        default=(),
    ),
    Option(
        "metric",
        "score this metric of pictures too (repeatable), of those that a plugin offers on request: "
        "foresight-bench plugins lists them",
        "NAME",
        default=(),
    ),
    Option(
        "recipe",
        "how adapters are fitted: joint (default), spatial_then_reconstruction, frozen_enhancer, perceptual",
        "NAME",
        default=DEFAULT_RECIPE,
    ),
    Option(
        "search",
        "seek the best candidates: shorter fits on a part of the training pictures leave most out, and the rest is "
        "scored in full (docs/search.md)",
        kind=bool,
        default=False,
    ),
    Option(
        "budget",
        "what --search may cost: minutes, hours, GPU hours, or a share of scoring the whole matrix",
        "30min|2h|2gpu-h|10%",
    ),
    Option("gate", "fail the session where this gate says NO-GO", "NAME", default=()),
    Option("answers", "what only people can know, for --gate; kept with the run", "FILE"),
    Option("baseline", "compare with that run or baseline", "RUN|NAME"),
    Option(
        "export",
        "send every record to this tracker too (repeatable): mlflow, trackio, wandb, each an extra",
        "NAME",
        default=(),
    ),
    Option("out", "where run folders are written; default runs", "DIR", default="runs"),
    Option("feature_cache", "where features are kept: folder or s3://", "DIR|URL", default=".foresight/cache"),
    Option("engine", "this process, N workers, or a Ray cluster", "local|local:N|ray", default="local"),
    Option("cell_timeout", "a cell that takes longer is a failed cell", "SECONDS", float),
    Option("worker_memory", "end a worker that grows beyond this; its cell is oom", "GIB", float),
    Option("max_failures", "stop the session after N failed cells", "N", int),
    Option(
        "admission",
        "encoders that fail the checks before ranking are shown and not ranked (on) or failed cells (strict); off asks "
        "nothing",
        "on|strict|off",
        default="on",
    ),
    Option("no_spot_check", "do not make two samples again to compare with the cache", kind=bool, default=False),
    Option("keep_fits", "keep what is fitted in the run folder, for export-fit", kind=bool, default=False),
    Option(
        "keep_pictures",
        "pictures of each reconstruction that the run keeps as they come, beside the two worst: what people are asked "
        "about (foresight-bench people); default 2",
        "N",
        int,
        default=KEPT_PICTURES,
    ),
    Option(
        "map_tokens",
        "tokens of each map of suite structure, up to 10000; default 300, beyond 1000 by an approximate t-SNE",
        "N",
        int,
        default=MAP_TOKENS,
    ),
    Option(
        "stream_shares",
        "test pictures of which suite spatial keeps how much a fusion that attends (perceiver, qformer) reads of each "
        "stream; default none",
        "N",
        int,
        default=0,
    ),
    Option("resume", "finish the latest run instead of starting a new one", kind=bool, default=False),
    Option("strict_plugins", "stop the session where a plugin cannot be imported", kind=bool, default=False),
)

STRICT = Option("strict", "exit 11 where a demanded comparison was impossible", kind=bool, default=False)
"""pytest's own flag, which a run reads too; a file and Python name it, and nobody declares it."""

CONFIG = Option("config", "file of options; default foresight.toml in the working folder, if there is one", "FILE")
"""Names the file; does not stand in it."""

BY_NAME: Mapping[str, Option] = {option.name: option for option in (*OPTIONS, STRICT)}


def declare(add: Callable[..., object], options: Iterable[Option] = OPTIONS) -> None:
    """Declare options through argparse's ``add_argument`` or pytest's ``addoption``."""
    for option in options:
        add(option.flag, **option.keywords())
