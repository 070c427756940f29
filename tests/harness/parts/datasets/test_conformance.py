"""The conformance kit on the harness's own data sets."""

from __future__ import annotations

from foresight_harness.testing import DatasetConformance


class TestBuiltinDatasets(DatasetConformance):
    plugin = "foresight_harness.parts.builtin"
