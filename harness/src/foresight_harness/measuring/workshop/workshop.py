"""What cells share while they are scored: data, encoders, features, fits, controls. Keeps no records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from foresight_harness.contracts.progress import Progress
from foresight_harness.contracts.protocols import Metric
from foresight_harness.contracts.specs import BuildRequest, DecoderSpec, EncoderSpec, MetricSpec
from foresight_harness.measuring.admission.admission import Admission
from foresight_harness.measuring.admission.metrics import MetricAdmission
from foresight_harness.measuring.cache.mirrored import store_of
from foresight_harness.measuring.extraction import EncoderPool, Extraction, Splits
from foresight_harness.measuring.extraction.latents import Latents
from foresight_harness.measuring.extraction.spot_checks import SpotChecks
from foresight_harness.measuring.workshop.calibration import Calibration
from foresight_harness.measuring.workshop.fit_memory import FitMemory
from foresight_harness.measuring.workshop.kept_readings import KeptReadings
from foresight_harness.measuring.workshop.reference_rows import References
from foresight_harness.measuring.workshop.stored_fits import StoredFits
from foresight_harness.parts.weights.formats import NONE
from foresight_harness.planning.candidates import fed_px
from foresight_harness.planning.candidates.twins import encoder_weights
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import Registry


class Workshop:
    """Everything that scoring a cell may use, made once and shared by all cells of a run."""

    def __init__(self, registry: Registry, options: RunOptions, progress: Progress) -> None:
        torch.set_flush_denormal(True)  # windows of attention fall below 1e-38; with them it takes 2 to 4 times as long
        self.registry, self.options, self.progress = registry, options, progress
        self.store = store_of(options.cache, options.cache_url)
        self.store.say = progress.write
        self.checks = SpotChecks(options.spot_check, progress.write)
        self.splits = Splits(registry, options, self.store, self.checks)
        self.pool = EncoderPool(self.encoder_request)
        self.extraction = Extraction(registry, self.store, self.pool, self.encoder_request, progress)
        self.extraction.checks, self.extraction.cache_dtype = self.checks, options.cache_dtype
        self.admission = Admission(registry, options, self.extraction)
        self.metrics = MetricAdmission(registry, asked=options.admission != "off")
        self.latents = Latents(registry, self.store, self.decoder_request, progress)
        self.latents.checks = self.checks
        self.fits = FitMemory()
        self.stored_fits = StoredFits(self.store, registry, options.device, writes=options.store_fits)
        self.calibrations: dict[tuple[str, str], Calibration] = {}
        """By suite and data set."""
        self.references: dict[tuple[str, str], References] = {}
        """By decoder and data set."""
        self.readings = KeptReadings()
        self.planned: Sequence[PlannedCell] = ()
        """Every cell of the run, in its order."""
        self.done: set[str] = set()
        """Ids of the cells that have ended."""

    def plan(self, cells: Iterable[PlannedCell]) -> None:
        """Announce the cells, so that taps are extracted together and encoders are freed when nobody needs them."""
        self.planned = list(cells)
        self.fits.plan(self.planned)
        for cell in self.planned:
            for stream in cell.candidate.streams:
                for spec in stream.run:
                    self.extraction.plan(spec.name, stream.ref.taps, cell.dataset.name)
            if cell.suite.live_encoder:
                self.pool.plan(cell.candidate.candidate.encoders)

    def put_away(self, planned: PlannedCell) -> None:
        """A cell has ended, well or not: free what no planned cell needs any more."""
        self.fits.done(planned)
        if planned.suite.live_encoder:
            self.pool.done(planned.candidate.candidate.encoders)
        else:
            self.pool.trim()

    def encoder_request(self, spec: EncoderSpec) -> BuildRequest:
        """How this run builds an encoder; see ``encoder_weights``."""
        lineage = self.registry.lineage(spec.name)
        weights, source = encoder_weights(lineage, self.options)
        return BuildRequest(
            weights=weights,
            source=source,
            device=self.options.device,
            dtype=self.options.dtype,
            attention=self.options.attention,  # type: ignore[arg-type]
            input_px=fed_px(lineage, self.options.feeding),
            quantize=NONE if lineage[-1].params == 0 else self.options.quantize,
            device_map=NONE if lineage[-1].params == 0 else self.options.device_map,
        )

    def decoder_request(self, spec: DecoderSpec) -> BuildRequest:
        """How this run builds a decoder; a nano decoder is preferred to a random one of its size."""
        source = self.options.source_of(spec.name)
        unnamed = "nano" if "nano" in spec.weights else "random" if spec.size == "tiny" else "pretrained"
        default = "pretrained" if source is not None else unnamed
        asked = self.options.weights or default
        weights = asked if asked in spec.weights else default if default in spec.weights else spec.weights[0]
        return BuildRequest(weights=weights, source=source, device=self.options.device, dtype=self.options.dtype)  # type: ignore[arg-type]

    def built_metrics(self, specs: Iterable[MetricSpec]) -> dict[str, Metric]:
        """Built metrics by name, each built once a run; of sets of clips the network (``suites.distributions``)."""
        return {spec.name: self.metrics.built(spec) for spec in specs}
