"""What a user asks of a run: one frozen object, made by the pytest plugin or the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from foresight_harness.contracts.devices import check_device_name
from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.training.recipe import DEFAULT_RECIPE
from foresight_harness.parts.weights.formats import BYTES_OF_MATRICES, DEVICE_MAPS, QUANTIZE
from foresight_harness.planning.options.declared import KEPT_PICTURES, MAP_TOKENS
from foresight_harness.planning.options.feeding import OWN, POLICIES, Feeding
from foresight_harness.planning.options.scale import Scale, scale_of
from foresight_harness.planning.options.storage import mirror_of
from foresight_harness.planning.recipes import check_learning_rate, check_recipe
from foresight_harness.planning.search.budget import parse_budget

DEFAULT_DATASETS = ("shapes", "kinds")
"""Where is anything, and where is the named kind among others."""
WEIGHTS = ("pretrained", "nano", "random")
DTYPES = ("float32", "bfloat16", "float16")
CACHE_DTYPES = ("float16", "bfloat16")
LEAST_TRAIN = 16
LEAST_MAP, MOST_MAP = 10, 10_000
MOST_SHARES = 100
CANVAS_STEP_PX = 8
"""The cells of the pixel decoders; decoders of coarser latents refuse what they cannot take."""
ENGINES = ("local", "ray")
ADMISSION = ("on", "strict", "off")


@dataclass(frozen=True)
class DatasetChoice:
    """``NAME[:PATH]`` as given to ``--dataset``."""

    name: str
    path: str | None = None

    def __str__(self) -> str:
        return self.name if self.path is None else f"{self.name}:{self.path}"


def parse_dataset(text: str) -> DatasetChoice:
    """``coco:some/folder`` -> name and path."""
    name, _, path = text.partition(":")
    return DatasetChoice(name, str(Path(path).expanduser()) if path.startswith("~") else path or None)


@dataclass(frozen=True)
class WeightsSource:
    """``NAME=SOURCE`` as given to ``--weights-source``: where the pretrained weights of one model come from."""

    name: str
    """Of an encoder or decoder."""
    source: str
    """A folder in the published layout, a file where the plugin takes one, or a Hub id; ``ID@REVISION`` pins it."""

    def __str__(self) -> str:
        return f"{self.name}={self.source}"

    @property
    def is_path(self) -> bool:
        """Whether it names a place on this machine rather than a Hub id."""
        return self.source.startswith((".", "/")) or self.source.endswith(".safetensors") or Path(self.source).exists()


def parse_weights_source(text: str) -> WeightsSource:
    """``dinov2_base=~/dinov2-base`` -> name and source. Raises: UsageError."""
    name, _, source = text.partition("=")
    if not name or not source:
        raise UsageError(f"--weights-source {text}: write NAME=SOURCE, such as dinov2_base=/data/dinov2-base")
    return WeightsSource(name, str(Path(source).expanduser()) if source.startswith("~") else source)


def datasets_or(given: Sequence[str], otherwise: tuple[DatasetChoice, ...]) -> tuple[DatasetChoice, ...]:
    """The data sets that a command names, else the matrix's, else the default ones."""
    return tuple(map(parse_dataset, given)) or otherwise or tuple(map(parse_dataset, DEFAULT_DATASETS))


@dataclass(frozen=True)
class RunOptions:
    """Options of one run; every field stands in ``run.json``."""

    candidates: tuple[str, ...] = ()
    matrix: str | None = None
    scale: str = "smoke"
    custom_scale: Scale | None = None
    """Sizes that a program hands in; None are those that ``scale`` names."""
    datasets: tuple[DatasetChoice, ...] = tuple(DatasetChoice(name) for name in DEFAULT_DATASETS)
    weights: str | None = None
    """None is ``random`` for tiny encoders and ``pretrained`` for published sizes."""
    weights_sources: tuple[WeightsSource, ...] = ()
    """Models whose pretrained weights come from elsewhere than their own Hub id."""
    twins: bool = True
    """Whether every candidate with trained weights is scored beside itself with random ones, and beside raw pixels."""
    trusted_weights: tuple[str, ...] = ()
    """Models whose pretrained weights may pass gates though they are not known as published; the verdict says so."""
    device: str = "cpu"
    dtype: str = "float32"
    cache_dtype: str | None = None
    """What features are rounded to where the cache keeps them; None is as they are made."""
    attention: str = "auto"
    quantize: str = "none"
    """What the matrices of encoders are quantised to when they are loaded: ``8bit``, ``4bit``."""
    device_map: str = "none"
    """``auto`` spreads each encoder over all GPUs."""
    seeds: int | None = None
    steps: int | None = None
    """Optimiser steps of trained parts; None is what the scale says."""
    patience: int | None = None
    """Looks at held-out training pictures without a better one after which a fit stops; None is never."""
    learning_rate: str | None = None
    """Of fits: a number, or ``sweep``, by which each fit tries a few; None is what the recipe says."""
    train_size: int | None = None
    """Pictures that probes, adapters and modules are fitted on; None is what the scale says."""
    picture_px: int | None = None
    """Side of the square that every picture is brought to, and of what encoders are fed where they take any size; None
    is what the scale and each encoder say."""
    input: str = OWN
    """What encoders are fed, see ``feeding``: ``own``, ``equal-pixels`` or ``equal-tokens``."""
    input_size: int | None = None
    """What an equal input comes to for the run's candidates: side in pixels, or tokens along a side."""
    max_pixels: int | None = None
    """Greatest picture of a file that is decoded; None is 120 million pixels."""
    probes: tuple[str, ...] = ()
    """Scored beside the primary probe, in suites that read boxes."""
    metrics: tuple[str, ...] = ()
    """Of those on request, the ones that are scored."""
    recipe: str = DEFAULT_RECIPE
    """How fits to a decoder's latents are made; see ``fit.recipes``."""
    gates: tuple[str, ...] = ()
    answers: str | None = None
    """File of what only people can know, for the gates."""
    baseline: str | None = None
    exports: tuple[str, ...] = ()
    """Trackers that records are sent to."""
    out: Path = Path("runs")
    cache: Path = Path(".foresight/cache")
    """Folder that features are read from: with ``cache_url`` that of this machine's copies."""
    cache_url: str | None = None
    """What stands behind ``cache``, such as ``s3://bucket/folder``; None where features lie in the folder itself."""
    engine: str = "local"
    cell_timeout: float | None = None
    """Seconds after which a cell is a failed cell."""
    worker_memory_gib: float | None = None
    """Resident memory at which a worker of ``local:N`` is ended; its cell is then ``oom``."""
    max_failures: int | None = None
    """Failed cells after which the session stops."""
    search: bool = False
    """Whether only the best of the candidates are sought, rung by rung, and scored in full."""
    budget: str | None = None
    """What a search may cost, see ``planning.search.budget``; None is whatever its rungs cost."""
    held_out: bool = False
    """Whether both splits are parts of the training split: rungs of a search look at no test picture."""
    store_fits: bool = False
    """Whether trained fits are kept in the feature cache, for every later run that asks for the same ones."""
    spot_check: bool = True
    """Whether two samples of each data set and part are made again and compared with what the cache holds."""
    admission: str = "on"
    """What becomes of encoders that admission refuses: ``on`` shows and does not rank them, ``strict`` fails their
    cells, ``off`` asks nothing."""
    keep_fits: bool = False
    """Whether what is fitted for the planned cells is kept in the run folder."""
    keep_pictures: int = KEPT_PICTURES
    """Pictures of a reconstruction that are kept as they come; no number depends on it."""
    map_tokens: int = MAP_TOKENS
    """Tokens of a map of token space; no number depends on it."""
    stream_shares: int = 0
    """Test pictures of which it is kept how much each stream is attended to; no number depends on it."""
    resume: bool = False
    strict_plugins: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        self.base_sizes  # noqa: B018  an unknown scale is refused here
        check_recipe(self.recipe)
        check_learning_rate(self.learning_rate)
        for option, value, choices in (
            ("--weights", self.weights, WEIGHTS),
            ("--dtype", self.dtype, DTYPES),
            ("--cache-dtype", self.cache_dtype, CACHE_DTYPES),
            ("--admission", self.admission, ADMISSION),
            ("--input", self.input, POLICIES),
            ("--quantize", self.quantize, QUANTIZE),
            ("--device-map", self.device_map, DEVICE_MAPS),
        ):
            if value is not None and value not in choices:
                raise UsageError(f"{option} {value}: unknown; choose one of {', '.join(choices)}")
        check_device_name(self.device)
        kind, colon, count = self.engine.partition(":")
        if kind not in ENGINES or (colon and not (count.isdecimal() and int(count) > 0)):
            raise UsageError(f"--engine {self.engine}: unknown; choose local, local:N, ray or ray:N with N workers")
        for option, limit in (
            ("--cell-timeout", self.cell_timeout),
            ("--worker-memory", self.worker_memory_gib),
            ("--max-failures", self.max_failures),
        ):
            if limit is not None and limit <= 0:
                raise UsageError(f"{option} {limit:g}: must be above 0")
        if self.weights_sources and self.weights not in (None, "pretrained"):
            raise UsageError(
                f"--weights {self.weights}: --weights-source {self.weights_sources[0]} asks for pretrained"
            )
        if self.seeds is not None and self.seeds < 1:
            raise UsageError(f"--seeds {self.seeds}: at least one seed is needed")
        if self.budget is not None:
            if not self.search and not self.held_out:
                raise UsageError(f"--budget {self.budget} says what a search may cost: add --search, or leave it out")
            parse_budget(self.budget, self.device)
        for option, least_one in (("--steps", self.steps), ("--patience", self.patience)):
            if least_one is not None and least_one < 1:
                raise UsageError(f"{option} {least_one}: at least 1 is needed")
        if self.keep_pictures < 1:
            raise UsageError(f"--keep-pictures {self.keep_pictures}: at least 1 is needed")
        if not LEAST_MAP <= self.map_tokens <= MOST_MAP:
            raise UsageError(f"--map-tokens {self.map_tokens}: a map has {LEAST_MAP} to {MOST_MAP} tokens")
        if not 0 <= self.stream_shares <= MOST_SHARES:
            raise UsageError(f"--stream-shares {self.stream_shares}: of 0 to {MOST_SHARES} pictures")
        if self.train_size is not None and self.train_size < LEAST_TRAIN:
            raise UsageError(f"--train-size {self.train_size}: at least {LEAST_TRAIN} pictures are needed to fit")
        if self.max_pixels is not None and self.max_pixels < 1:
            raise UsageError(f"--max-pixels {self.max_pixels}: at least one pixel is needed")
        if self.picture_px is not None and (self.picture_px < CANVAS_STEP_PX or self.picture_px % CANVAS_STEP_PX):
            nearest = max(1, round(self.picture_px / CANVAS_STEP_PX)) * CANVAS_STEP_PX
            raise UsageError(
                f"--picture-px {self.picture_px}: a side is a multiple of {CANVAS_STEP_PX} px, such as {nearest}"
            )

    def source_of(self, name: str) -> str | None:
        """Where the weights of that encoder or decoder come from, where the user said so."""
        return next((chosen.source for chosen in self.weights_sources if chosen.name == name), None)

    @property
    def feature_bytes(self) -> int:
        """Of one number of a feature in the cache."""
        return 4 if self.dtype == "float32" and self.cache_dtype is None else 2

    @property
    def encoder_bytes(self) -> float:
        """Of one parameter of an encoder, nearly all of which stand in matrices."""
        return BYTES_OF_MATRICES.get(self.quantize, 4 if self.dtype == "float32" else 2)

    @property
    def feeding(self) -> Feeding:
        """What encoders are asked to resize to."""
        return Feeding(self.input, self.picture_px if self.input == OWN else self.input_size)

    @property
    def workers(self) -> int | None:
        """N of ``local:N`` or ``ray:N``; None where the engine decides."""
        count = self.engine.partition(":")[2]
        return int(count) if count else None

    @property
    def base_sizes(self) -> Scale:
        """Sizes of the scale itself, whatever single options say."""
        return self.custom_scale or scale_of(self.scale)

    @property
    def sizes(self) -> Scale:
        """Sizes of the chosen scale, with ``--seeds``, ``--steps``, ``--train-size`` and ``--picture-px`` taken in."""
        given = {
            "seeds": self.seeds,
            "steps": self.steps,
            **dict.fromkeys(("train", "clips_train"), self.train_size),
            **dict.fromkeys(("canvas_px", "clip_px"), self.picture_px),
        }
        return replace(self.base_sizes, **{name: size for name, size in given.items() if size is not None})  # type: ignore[arg-type]

    def as_json(self) -> dict[str, Any]:
        """JSON types only; paths as given."""
        values = asdict(self)
        values["datasets"] = [str(choice) for choice in self.datasets]
        values["weights_sources"] = [str(source) for source in self.weights_sources]
        values["out"], values["cache"] = str(self.out), str(self.cache)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def options_from_json(values: Mapping[str, Any]) -> RunOptions:
    """The inverse of ``RunOptions.as_json``. Raises: UsageError."""
    known = {entry.name: entry for entry in fields(RunOptions)}
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in known:
            found[name] = tuple(value) if isinstance(value, list) else value
    found["datasets"] = tuple(parse_dataset(text) for text in found["datasets"])
    found["weights_sources"] = tuple(parse_weights_source(text) for text in found.get("weights_sources", ()))
    found["custom_scale"] = Scale(**found["custom_scale"]) if found.get("custom_scale") else None
    found["out"], found["cache"] = Path(found["out"]), Path(found["cache"])
    if found.get("cache_url"):  # copies lie where this machine wants them, which need not be where the driver's lie
        found["cache"] = mirror_of(found["cache_url"])
    return RunOptions(**found)
