"""What can be started from a template, and what each offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PluginKind:
    """One kind of plugin."""

    name: str
    summary: str
    """One sentence for ``pyproject.toml``."""
    offers: tuple[str, ...]
    """Names that the package offers, with ``{name}`` for the plugin's own."""
    dependencies: tuple[str, ...]
    try_it: str
    """Arguments of ``pytest benchmarks/`` that score what was written, with ``{name}``."""


TORCH = ("foresight-harness>=0.1", "torch>=2.6")

KINDS: Mapping[str, PluginKind] = {
    kind.name: kind
    for kind in (
        PluginKind(
            "encoder",
            "A vision transformer as an encoder of the Foresight harness.",
            ("{name}_tiny", "{name}_small"),
            TORCH,
            "--candidate '{name}_tiny@last/identity/single/linear' -k spatial",
        ),
        PluginKind(
            "enhancer",
            "A learnt spatial enhancer of the Foresight harness.",
            ("{name}",),
            TORCH,
            "--candidate 'pixels@patch/{name}/single/linear' -k spatial",
        ),
        PluginKind(
            "fusion",
            "A gated fusion of streams for the Foresight harness.",
            ("{name}",),
            TORCH,
            "--candidate 'pixels@patch+shuffled@patch/identity/{name}/linear' -k spatial",
        ),
        PluginKind(
            "decoder",
            "A decoder of the Foresight harness whose latents are the lowest frequencies of small squares.",
            ("{name}",),
            TORCH,
            "--candidate 'pixels@patch/identity/single/{name}' -k reconstruction",
        ),
        PluginKind(
            "dataset",
            "Drawn ellipses with exact boxes and masks as a data set of the Foresight harness.",
            ("{name}",),
            ("foresight-harness>=0.1", "numpy>=2.0", "torch>=2.6"),
            "--dataset {name} --candidate 'pixels@patch/identity/single/linear' -k spatial",
        ),
        PluginKind(
            "metric",
            "Gradient magnitude similarity deviation as a metric of the Foresight harness.",
            ("{name}",),
            TORCH,
            "--candidate 'pixels@patch/identity/single/linear' -k reconstruction",
        ),
    )
}
"""Kind -> what its template holds."""
