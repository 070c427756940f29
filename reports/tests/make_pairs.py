"""Questions about the pictures of a generated run, as the harness draws them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from run_plans import TINY

PICTURED = replace(TINY, pictures=3)
"""A small run with pictures."""


def pairs(run: Path) -> list[dict[str, str]]:
    """Two of *same* and two of *nearer* about the first pictures that the run kept."""
    index = (run / "media" / "index.jsonl").read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in index]
    true = [line["path"] for line in lines if line["kind"] == "target"]
    made = [line["path"] for line in lines if line["kind"] == "output"]
    same = [
        {"id": f"a{place}", "ask": "same", "left": true[place], "middle": "", "right": made[place]} for place in (0, 1)
    ]
    nearer = [
        {"id": f"b{place}", "ask": "nearer", "left": made[0], "middle": true[0], "right": made[1 + place]}
        for place in (0, 1)
    ]
    return [same[0], nearer[0], same[1], nearer[1]]
