"""Which pictures of a run may be asked about."""

from __future__ import annotations

import json

from foresight_harness.judging.people.pictures import kept_pictures


def test_a_line_that_leads_out_of_the_run_or_to_nothing_is_passed_over(kept_run, tmp_path) -> None:
    run = kept_run(3)
    (tmp_path / "secret.webp").write_bytes(b"x")
    index = run.path / "media" / "index.jsonl"
    lines = [json.loads(line) for line in index.read_text().splitlines()]
    outputs = [line for line in lines if line["kind"] == "output" and line["label"] == "as they come"]
    outputs[0]["path"], outputs[1]["path"] = "../secret.webp", "media/gone.webp"
    index.write_text("".join(json.dumps(line) + "\n" for line in lines) + "no JSON\n[1]\n")
    found = kept_pictures(run)
    assert len(found.outputs) == 2 * 3 - 2
    assert not any("secret" in path or "gone" in path for path in found.outputs.values())


def test_samples_carry_their_cluster_and_a_run_without_pictures_has_none(kept_run) -> None:
    run = kept_run(3)
    assert {scene.group for scene in kept_pictures(run).scenes} == {"s0", "s1", "s2"}
    (run.path / "media" / "index.jsonl").unlink()
    assert kept_pictures(run).scenes == []
