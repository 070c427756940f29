"""The two metrics of a size, as specs: named after kind, model and version of the prompts. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from foresight_harness import BuildRequest, CheckpointError, MetricSpec

from foresight_vlm_kit.consistency.prompts import VERSION, nano_text, text_of
from foresight_vlm_kit.presets import Preset

if TYPE_CHECKING:
    from foresight_harness.protocols import Metric

Kind = Literal["caption", "yesno"]
NOTHING = "random weights: means nothing"


@dataclass(frozen=True)
class Offer:
    """One size to be asked, by ``build_answerer(preset, request)`` of a module of its plugin."""

    module: str
    preset: Preset
    config: Mapping[str, Any]

    def __hash__(self) -> int:
        """By name: configurations are no keys."""
        return hash((self.module, self.preset.name))

    @property
    def random(self) -> bool:
        """Whether there are no weights but random ones."""
        return self.preset.repo is None

    @property
    def nano(self) -> bool:
        """Whether the size speaks the words of nano captions, as random ones of its kind do."""
        return self.preset.size == "tiny"

    def request(self) -> BuildRequest:
        """Trained weights where there are any; published sizes on a GPU in bfloat16 where there is one."""
        if self.nano:
            return BuildRequest(weights="random" if self.random else "nano")
        import torch

        there = torch.cuda.is_available()
        return BuildRequest(
            weights="pretrained", device="cuda" if there else "cpu", dtype="bfloat16" if there else "float32"
        )


def consistency_metrics(module: str, presets: Iterable[tuple[Preset, Mapping[str, Any]]]) -> list[MetricSpec]:
    """Agreement of captions and of answers for each size.

    Args:
        module: Of the plugin, with ``build_answerer``; imported when a metric is first built.
        presets: Sizes and their configurations.
    """
    kinds: tuple[Kind, ...] = ("caption", "yesno")
    return [_spec(Offer(module, preset, config), kind) for preset, config in presets for kind in kinds]


def _spec(offer: Offer, kind: Kind) -> MetricSpec:
    preset, what = offer.preset, "captions" if kind == "caption" else "answers"
    words = nano_text(kind) if offer.nano else text_of(kind)
    said = f" ({NOTHING})" if offer.random else ""
    return MetricSpec(
        name=f"consistency_{kind}_{preset.name}{'_random' if offer.random else ''}_{VERSION}",
        plain=f"how far {preset.name} says the same of rebuilt and of true pictures (1 is the same){said}",
        label=f"Same {what} by {preset.name}{said}",
        build=partial(_build, offer, kind),
        compares="pictures",
        unit="ratio",
        direction="higher",
        range=(0.0, 1.0),
        reference=f"agreement of {what} of {preset.name}{said} on original and reconstruction, prompts {VERSION}, "
        f"frame by frame: {words}",
        gateable=False,
        on_request=True,
        coarse=True,
        identity=partial(_identity, offer),
    )


def _build(offer: Offer, kind: Kind) -> Metric:
    from foresight_vlm_kit.consistency.metric import caption_agreement, yes_no_agreement

    answerer = _answerer(offer)
    return caption_agreement(answerer) if kind == "caption" else yes_no_agreement(answerer)


@cache
def _answerer(offer: Offer) -> Any:
    """One model for both metrics of a size. Raises: CheckpointError, UsageError."""
    with _advising():
        return import_module(offer.module).build_answerer(offer.preset, offer.request())


@cache
def _identity(offer: Offer) -> str:
    """Hash of the weights, and in what numbers they are held. Raises: CheckpointError where there are none."""
    from foresight_harness.weights import provenance_of

    request, preset = offer.request(), offer.preset
    with _advising():
        found = provenance_of(preset.name, offer.config, request, repo=preset.repo)
    return f"{found.kind} weights sha256 {found.sha256}, {request.dtype} on {request.device}"


@contextmanager
def _advising() -> Iterator[None]:
    """Options of a run's encoders do not reach a metric: what is said of missing weights advises none of them."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(str(error).replace("use --weights random", "leave the metric out")) from error
