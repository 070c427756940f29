"""Texts from outside stay texts on the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from foresight_reports import render, write_report
from foresight_reports.page import island
from page_reader import Reader

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egnp.exe\u2066 {{7*7}} ${7*7} </SCRIPT "


def test_hostile_texts_stay_texts(make: Callable[..., Path]) -> None:
    run = make(pictures=2, failed=1)
    manifest = json.loads((run / "run.json").read_text())
    manifest |= {"command": HOSTILE, "environment": {HOSTILE: HOSTILE}, "options": {"x": [HOSTILE]}}
    manifest["plugins"].append({"name": HOSTILE, "error": HOSTILE, "version": 3, "digest": None})
    manifest["protocols"] = {digest: {**choices, HOSTILE: HOSTILE} for digest, choices in manifest["protocols"].items()}
    (run / "run.json").write_text(json.dumps(manifest))
    for name in ("records.jsonl", "media/index.jsonl"):
        lines = [json.loads(line) for line in (run / name).read_text().splitlines()]
        for line in lines:
            for field in ("candidate", "dataset", "sample", "label", "error", "trace", "unit", "probe", "cell"):
                if line.get(field) is not None:
                    line[field] = HOSTILE + line[field]
            if "axes" in line:
                line["axes"] = {
                    k: [HOSTILE + v[0]] if isinstance(v, list) else HOSTILE + v for k, v in line["axes"].items()
                }
                line["details"] = {HOSTILE: HOSTILE, "loss": [1, 2, 3]}
                line["provenance"] = [{"part": HOSTILE, "name": HOSTILE, "kind": HOSTILE, "repo": HOSTILE}]
                line["protocol"] = HOSTILE
        (run / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    html = render([run]).html
    reader = Reader(html)
    assert "alert" not in "".join(reader.content["script"])
    parts = reader.all("data-packed")
    assert all(re.fullmatch(r"charts|pairs|[bt]-[\w-]+", part) for part in parts)
    assert reader.tags.count("script") == 2 + len(parts)
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert [value for value in reader.all("src") if not value.startswith("data:image/webp;base64,")] == []
    assert "\u202e" not in html
    assert "⟨U+202E⟩" in html
    assert "{{7*7}}" in html


def test_a_name_of_ten_thousand_characters_is_cut(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))
    long = "x" * 10_000
    text = (run / "records.jsonl").read_text().replace("qwen2_5_vl_tiny@", f"{long}@")
    (run / "records.jsonl").write_text(text)
    html = render([run]).html
    assert "characters)" in html
    shown = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert "x" * 2001 not in shown
    assert "x" * 401 not in "".join(re.findall(r"<bdi>(.*?)</bdi>", shown))


def test_a_lone_surrogate_does_not_stop_the_page(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))
    text = (run / "records.jsonl").read_text().replace("qwen2_5_vl_tiny@", "\\ud800@")
    (run / "records.jsonl").write_text(text)
    assert write_report([run]).stat().st_size > 100_000


def test_json_inside_a_script_cannot_end_it() -> None:
    data = {"a": "</script><!--\u2028&"}
    written = island(data)
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written) == data
