"""Whether the encoders of a run can be loaded in fewer bits or over several GPUs, asked before any work."""

from __future__ import annotations

from collections.abc import Sequence

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import BuildRequest
from foresight_harness.parts.weights.formats import NONE, require_offered
from foresight_harness.planning.candidates.resolve import ResolvedCandidate
from foresight_harness.planning.candidates.twins import encoder_weights
from foresight_harness.planning.options import RunOptions


def check_loading(candidates: Sequence[ResolvedCandidate], options: RunOptions) -> None:
    """Refuse ``--quantize`` and ``--device-map`` where an encoder cannot be loaded so; no machine is asked.

    Controls without parameters are left as they are. Raises: UsageError naming the first encoder that cannot.
    """
    if options.quantize == NONE and options.device_map == NONE:
        return
    loaded = False
    for stream in (stream for candidate in candidates for stream in candidate.streams):
        root = stream.lineage[-1]
        if root.params == 0:
            continue
        weights, _ = encoder_weights(stream.lineage, options)
        request = BuildRequest(weights=weights, quantize=options.quantize, device_map=options.device_map)
        require_offered(root.name, request, root.quantize, device_map=root.device_map)
        loaded = True
    asked = f"--quantize {options.quantize}" if options.quantize != NONE else f"--device-map {options.device_map}"
    if not loaded:
        raise UsageError(f"{asked}: no candidate of this run has an encoder with weights; leave it out")
    if options.twins:
        raise UsageError(
            f"{asked}: twins have random weights, and only those of a checkpoint are loaded so; add --no-twins (gates "
            "then call what needs them inconclusive)"
        )
