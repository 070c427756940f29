"""Whatever is broken in a run folder, every verb ends in a line or goes on, and other runs are not stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foresight_harness.surface.command import main

Damage = Callable[[Path], Any]


def write(name: str, content: bytes) -> Damage:
    return lambda run: (run / name).write_bytes(content)


def cut(name: str) -> Damage:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[: (run / name).stat().st_size // 2])


def into_records(*lines: bytes) -> Damage:
    def change(run: Path) -> None:
        path = run / "records.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in lines) + path.read_bytes())

    return change


def stated(**fields: Any) -> Damage:
    def change(run: Path) -> None:
        content = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps(content | fields))

    return change


def samples(change: Callable[[Path], Any]) -> Damage:
    return lambda run: change(sorted((run / "samples").glob("*.parquet"))[0])


def analysis(content: bytes) -> Damage:
    return lambda run: [path.write_bytes(content) for path in (run / "analysis").glob("*.json")]


DAMAGES: dict[str, Damage] = {
    "run.json empty": write("run.json", b""),
    "run.json cut": cut("run.json"),
    "run.json a list": write("run.json", b"[]"),
    "run.json a number": write("run.json", b"5"),
    "run.json no UTF-8": write("run.json", b"\xff\xfe{}"),
    "run.json nested too deep": write("run.json", b"[" * 100_000),
    "run.json without schema": write("run.json", b"{}"),
    "objects that are lists": stated(options=[], environment=[], hardware=[], counts=[], extraction=[]),
    "protocols of numbers": stated(protocols={"p": 5}),
    "facts of numbers": stated(suite_facts={"spatial": 5}, probe_facts={"knn": []}),
    "facts of wrong kinds": stated(suite_facts={"spatial": {"metrics": [{"name": "iou", "range": 5}], "order": "x"}}),
    "lists of scalars": stated(plugins=[1], datasets=["x"], gates=[None], sessions=[2], cells=[3], exporters=[4]),
    "lists that are numbers": stated(datasets=5, gates=5, sessions=5, cells=5, suites=5),
    "what was left out as a number": stated(left_out=5),
    "gates without paths": stated(gates=[{"name": "x"}]),
    "status a list": stated(status=[1], started=5),
    "records empty": write("records.jsonl", b""),
    "records cut": cut("records.jsonl"),
    "a scalar line": into_records(b"5"),
    "a list line": into_records(b"[1]"),
    "a line of no JSON": into_records(b"{broken"),
    "a line of no UTF-8": into_records(b"\xff\xfe\x00"),
    "a line of another shape": into_records(b'{"schema": 1, "cell": [], "candidate": {}}'),
    "a line of a newer schema": into_records(b'{"schema": 99}'),
    "records a folder": lambda run: ((run / "records.jsonl").unlink(), (run / "records.jsonl").mkdir()),
    "samples empty": samples(lambda path: path.write_bytes(b"")),
    "samples cut": samples(lambda path: path.write_bytes(path.read_bytes()[:200])),
    "samples of other columns": samples(lambda path: pq.write_table(pa.table({"x": [1]}), path)),
    "analyses of no JSON": analysis(b"{"),
    "analyses a number": analysis(b"5"),
    "analyses of no UTF-8": analysis(b"\xff\xfe"),
    "analyses of other shapes": analysis(b'{"schema": 1, "rows": [5], "columns": 5, "boards": 5, "gates": [5]}'),
    "media index of scalars": lambda run: (run / "media" / "index.jsonl").write_bytes(b"5\n[]\n\xff\n{}\n"),
}

GATE = """
schema = 1
title = "Places"
document = "test"
section = "1"
[[rule]]
id = "iou"
quote = "IoU > 0.2"
line = 1
suite = "spatial"
metric = "iou"
probe = "dense_ridge"
unit = "ratio"
direction = "higher"
bound = 0.2
"""


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_one_line_in_every_verb(scored_run: Path, name: str, tmp_path: Path, capsys, monkeypatch) -> None:
    runs, good = scored_run.parent, scored_run.with_name("20200101T000000Z_nogit_0000")
    shutil.copytree(scored_run, good)
    (tmp_path / "places.toml").write_text(GATE)
    (tmp_path / "sentinels.toml").write_text('schema = 1\n[[sentinel]]\ncell = "*"\nmetric = "iou"\n')
    monkeypatch.chdir(tmp_path)
    DAMAGES[name](scored_run)
    run, out = scored_run.name, ["--out", str(runs)]
    verbs = (
        ["report", run],
        ["figure", run, "audit"],
        ["rank", run, "--metric", "iou"],
        ["gate", run, "places.toml"],
        ["compare", run, good.name, "--sentinels", "sentinels.toml"],
        ["compare", good.name, run, "--sentinels", "sentinels.toml"],
        ["verify", run],
        ["export", run, "trackio"],
        ["baseline", "promote", run, "--reason", "x", "--sentinels", "sentinels.toml"],
        ["aa", run],
        ["history", "--cell", "pixels*", "--metric", "iou"],
    )
    for verb in verbs:
        code = main([*verb, *out])
        said = capsys.readouterr()
        assert code in (0, 1, 2, 3), verb
        assert "Traceback" not in said.out + said.err, verb
        if code == 2:
            assert len(said.err.splitlines()) == 1, (verb, said.err)
            assert said.err.startswith(f"foresight-bench {verb[0]}: "), verb
    main(["history", "--cell", "pixels*", "--metric", "iou", "--json", *out])
    told = json.loads(capsys.readouterr().out)
    assert good.name in {point["run"] for one in told["series"] for point in one["points"]}


def test_history_names_what_it_left_out_every_time(scored_run: Path, capsys) -> None:
    shutil.copytree(scored_run, scored_run.with_name("good"))
    (scored_run / "run.json").write_text("[]")
    for _ in range(2):
        assert main(["history", "--cell", "pixels*", "--metric", "iou", "--out", str(scored_run.parent)]) == 0
        (line,) = capsys.readouterr().err.splitlines()
        assert f"left out: {scored_run / 'run.json'} holds []" in line
