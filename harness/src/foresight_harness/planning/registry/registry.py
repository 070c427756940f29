"""The offers of all plugins, by kind and name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from foresight_harness.contracts.errors import CandidateError, PluginError, UnknownPartError
from foresight_harness.contracts.specs import (
    DatasetSpec,
    DecoderSpec,
    EncoderSpec,
    EnhancerSpec,
    ExtractorSpec,
    FusionSpec,
    MetricFacts,
    MetricSpec,
    ProbeSpec,
    SuiteFacts,
    SuiteSpec,
)
from foresight_harness.contracts.specs.models import OWN
from foresight_harness.contracts.specs.suites import SHARE_UNIT, facts_of
from foresight_harness.planning.plugin_calls import guarded

Offer = TypeVar("Offer")
Model = TypeVar("Model", EncoderSpec, DecoderSpec)


@dataclass(frozen=True)
class PluginInfo:
    """One installed plugin, loaded or not."""

    name: str
    distribution: str
    version: str
    digest: str
    """sha256 over the package's sources: features made by other code are never taken from the cache."""
    error: str | None = None
    """Why it could not be imported, in one line; None where it could."""
    module: str = ""
    entry_point: bool = True
    """False for the harness's own offers."""


@dataclass(frozen=True)
class Registry:
    """Everything on offer in this environment."""

    plugins: tuple[PluginInfo, ...]
    encoders: Mapping[str, EncoderSpec]
    extractors: Mapping[str, ExtractorSpec]
    enhancers: Mapping[str, EnhancerSpec]
    fusions: Mapping[str, FusionSpec]
    decoders: Mapping[str, DecoderSpec]
    datasets: Mapping[str, DatasetSpec]
    metrics: Mapping[str, MetricSpec]
    environment: Mapping[str, str]
    suites: Mapping[str, SuiteSpec] = field(default_factory=dict)
    """In the order in which they run for one encoder."""
    probes: Mapping[str, ProbeSpec] = field(default_factory=dict)
    """The primary one first, those that only the audit reads last."""
    owners: Mapping[tuple[str, str], PluginInfo] = field(default_factory=dict)
    """(kind, name) -> the plugin that offers it."""
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(kind, name) -> why a spec was not loaded, in one line; its plugin is in error."""
    exporters: tuple[tuple[str, Callable[[Mapping[str, Any]], None]], ...] = ()
    """Plugins that take every record, with their hook."""

    @property
    def broken(self) -> tuple[PluginInfo, ...]:
        """Plugins that could not be imported, or offer a spec that could not be loaded."""
        return tuple(plugin for plugin in self.plugins if plugin.error is not None)

    def encoder(self, name: str) -> EncoderSpec:
        """The encoder of that name; ``family:argument`` is expanded by its family. Raises: CandidateError."""
        self._require_loaded("encoder", name)
        spec = _find("encoder", name, self.encoders)
        family, _, argument = name.partition(":")
        if spec.derive is not None and not spec.taps and not argument:
            raise CandidateError(f"encoder {name!r} is a family: write {name}:ENCODER, such as {name}:dinov2_small")
        if not argument or name in self.encoders:
            return spec
        if spec.expand is not None:
            return self._guarded(spec.expand(argument), "encoder", name)
        if spec.derive is not None:
            derived = replace(spec.derive(self.encoder(argument)), name=name)
            return self._guarded(derived, "encoder", argument)  # its model is the other encoder's
        raise CandidateError(f"encoder {name!r}: {family!r} takes no argument after a colon")

    def _require_loaded(self, kind: str, name: str) -> None:
        """Raises: CandidateError where a plugin offers the part, and its spec was refused."""
        if (fault := self.refused.get((kind, name))) is not None:
            raise CandidateError(f"{kind} {name!r} of plugin {self.owner(kind, name).name!r} was not loaded: {fault}")

    def lineage(self, name: str) -> tuple[EncoderSpec, ...]:
        """The encoder, what it derives from, and so on to the one that has the weights. Raises: CandidateError."""
        found = [self.encoder(name)]
        while found[-1].derives_from is not None:
            found.append(self.encoder(found[-1].derives_from))
        return tuple(found)

    def extractor(self, name: str) -> ExtractorSpec:
        """The extractor of that name. Raises: CandidateError naming the nearest."""
        return _find("extractor", name, self.extractors)

    def enhancer(self, name: str) -> EnhancerSpec:
        """The enhancer of that name. Raises: CandidateError naming the nearest."""
        return _find("enhancer", name, self.enhancers)

    def fusion(self, name: str) -> FusionSpec:
        """The fusion of that name. Raises: CandidateError naming the nearest."""
        return _find("fusion", name, self.fusions)

    def decoder(self, name: str) -> DecoderSpec:
        """The decoder of that name; ``family:argument`` is expanded by its family. Raises: CandidateError."""
        spec = _find("decoder", name, self.decoders)
        family, _, argument = name.partition(":")
        if argument and name not in self.decoders:
            if spec.derives_from is not None and spec.adapter != OWN:
                return self._with_adapter(spec, name, argument)
            if spec.expand is None:
                raise CandidateError(f"decoder {name!r}: {family!r} takes no argument after a colon")
            spec = self._guarded(spec.expand(argument), "decoder", name)
        return spec

    def _guarded(self, spec: Model, kind: str, name: str) -> Model:
        """What a family made of a name, as a spec whose functions are called under its plugin's name.

        Raises:
            PluginError: where the family's plugin returned something else.
        """
        owner = self.owner(kind, name)
        wanted = {"encoder": EncoderSpec, "decoder": DecoderSpec}[kind]
        if not isinstance(spec, wanted):
            raise PluginError(
                f"plugin {owner.name!r}: {kind} {name!r} expanded to a {type(spec).__name__}; "
                f"expected {wanted.__name__}"
            )
        found: Model = guarded(spec, kind, owner.name) if owner.entry_point else spec
        return found

    def _with_adapter(self, spec: DecoderSpec, name: str, argument: str) -> DecoderSpec:
        """``adapter_5m:ltx_video_tiny``: another decoder's latents behind that adapter."""
        base = self.decoder(argument)
        if base.derives_from is not None:
            raise CandidateError(f"decoder {name!r}: {argument!r} has an adapter already; name the decoder alone")
        if base.adapter == OWN:
            raise CandidateError(
                f"decoder {name!r}: {argument!r} reads the conditioning itself, through its own adapter"
            )
        if spec.adapter == "linear" and base.adapter != "linear":
            raise CandidateError(
                f"decoder {name!r}: {argument!r} is read through a {base.adapter} adapter, not cell by cell"
            )
        return replace(
            base,
            name=name,
            adapter=spec.adapter,
            adapter_params=spec.adapter_params,
            adapter_cells=spec.adapter_cells,
            derives_from=base.name,
        )

    def dataset(self, name: str) -> DatasetSpec:
        """The data set of that name. Raises: CandidateError naming the nearest."""
        self._require_loaded("dataset", name)
        return _find("data set", name, self.datasets)

    def suite(self, name: str) -> SuiteSpec:
        """The suite of that name. Raises: CandidateError naming the nearest."""
        return _find("suite", name, self.suites)

    def probe(self, name: str) -> ProbeSpec:
        """The probe of that name. Raises: CandidateError naming the nearest."""
        return _find("probe", name, self.probes)

    @property
    def primary_probe(self) -> ProbeSpec:
        """The probe that ranks. Raises: PluginError where no plugin offers one."""
        found = next((spec for spec in self.probes.values() if spec.primary), None)
        if found is None:
            raise PluginError("no primary probe is on offer: the harness's own probes were not loaded")
        return found

    def metrics_of(self, suite: SuiteFacts) -> dict[str, MetricFacts]:
        """What a suite records, by name: its own, those on offer for what it compares, and each as a share."""
        found = {metric.name: metric for metric in suite.metrics}
        for spec in self.metrics.values():
            if spec.compares in suite.compares:
                found.setdefault(spec.name, facts_of(spec))
        if suite.shares:
            found |= {f"{name}_share": MetricFacts(f"{name}_share", SHARE_UNIT, "higher") for name in list(found)}
        return found

    def owner(self, kind: str, name: str) -> PluginInfo:
        """The plugin that offers ``name``: an expanded name is its family's, a twin is its encoder's."""
        family, _, argument = name.partition(":")
        offered = self.encoders.get(family) if kind == "encoder" and argument else None
        if offered is not None and offered.role == "twin":
            return self.owner(kind, argument)
        return self.owners.get((kind, name)) or self.owners[(kind, family)]


def _find(kind: str, name: str, offers: Mapping[str, Offer]) -> Offer:
    if name in offers:
        return offers[name]
    family = name.partition(":")[0]
    if ":" in name and family in offers:
        return offers[family]
    raise UnknownPartError(f"unknown {kind} {name!r}{nearest(name, offers)}")


def nearest(name: str, offers: Iterable[str], cutoff: float = 0.5) -> str:
    """The end of an error message: the nearest names, or all when none is near.

    Args:
        name: That nobody offers.
        offers: What is offered.
        cutoff: Least likeness of a near name, 1 for an equal one; higher where names are short and few.
    """
    known = sorted(offers)
    close = difflib.get_close_matches(name, known, n=3, cutoff=cutoff)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    if not known:
        return "; no plugin offers any"
    shown = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    return f"; there are {shown}"
