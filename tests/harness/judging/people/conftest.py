"""A run that kept pictures, and people who answer as they are told."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.outcomes import Picture
from foresight_harness.judging.people.drawing import Wanted, draw
from foresight_harness.judging.people.question import Asking
from foresight_harness.running.run_folder.media import write_pictures
from foresight_harness.running.run_folder.run_data import RunData

sys.path.insert(0, str(Path(__file__).parent))

from raters import FIRST, SCENES, SECOND


@pytest.fixture
def kept_run(write_run, record) -> Callable[..., RunData]:
    """Two candidates, ``scenes`` scenes as they come and one that is the worst of each, on ``shapes``."""

    def make(scenes: int = SCENES, name: str = "asked", kind: str = "") -> RunData:
        fields = {"suite": "reconstruction", "metric": "psnr", "range": [0.0, 100.0], "unit": "dB", "n": scenes}
        fields["provenance"] = [{"part": "encoder", "name": "dinov2_tiny", "kind": kind}] if kind else []
        cells = {"c0": FIRST, "c1": SECOND}
        records = [record(**fields, candidate=candidate, cell=cell) for cell, candidate in cells.items()]
        values = {"psnr": {0: [20.0] * (scenes + 1)}}
        path = write_run(records, dict.fromkeys(cells, values), run=name)
        torch.manual_seed(0)
        lines = []
        for cell, candidate in cells.items():
            for place in range(scenes + 1):
                label = "as they come" if place < scenes else "worst"
                shared = {"sample": f"s{place}", "metric": "psnr", "label": label}
                true = torch.full((3, 16, 16), place / (scenes + 1))
                pictures = [Picture("target", pixels=true, **shared)]
                pictures.append(Picture("output", pixels=torch.rand(3, 16, 16), value=20.0, **shared))
                lines += write_pictures(path, cell, candidate, "shapes", pictures)
        (path / "media" / "index.jsonl").write_text("".join(json.dumps({"schema": 1, **line}) + "\n" for line in lines))
        return RunData.load(path)

    return make


@pytest.fixture
def asking(kept_run) -> Asking:
    """What a page of that run asks by default."""
    return draw(kept_run(), Wanted())
