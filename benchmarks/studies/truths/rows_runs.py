"""Rows about how a run ends, goes on, and is believed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from checkout import PIXELS, Place, Seen, expect, manifest_of
from made import encoder

GREY = "if bool((clips[:, :, 0] == clips[:, :, 1]).all()): raise ValueError('GREYREFUSED')"


def r1(place: Place) -> Seen:
    """A failed cell stands on the page although the same candidate and suite gave a number on another data set."""
    candidate = encoder(place, "grey", encode=GREY)
    expect(place.score("--dataset", "shapes", "--dataset", "coins", candidates=[candidate]), 1)
    page = (place.run() / "report.html").read_text(encoding="utf-8")
    return Seen("GREYREFUSED" in page, f"the page holds the error {page.count('GREYREFUSED')} times")


def r2(place: Place) -> Seen:
    """A run that ``-x`` ended is no complete one and no baseline."""
    candidates = [encoder(place, "fails", encode="raise ValueError('no')"), PIXELS]
    expect(place.score("-x", candidates=candidates), 1, 2)
    status = manifest_of(place.run())["status"]
    words = ("baseline", "promote", str(place.run()), "--reason", "tried", "--out", str(place.runs))
    promoted = place.bench(*words).code
    return Seen(status == "stopped" and promoted != 0, f"status {status}; baseline promote: exit {promoted}")


def r3(place: Place) -> Seen:
    """``--resume`` goes on with what began the run, else says in one line what differs."""
    expect(place.score(), 0)
    said = {}
    for option, value in (("--dtype", "bfloat16"), ("--picture-px", "96"), ("--dataset", "coins"), ("--seeds", "2")):
        done = place.score("--resume", option, value)
        named = option.strip("-").replace("-px", "").split("-")[0] in done.text.replace("data set", "dataset")
        said[option] = done.code == 4 and named and "Traceback" not in done.text
    refused = sum(said.values())
    return Seen(refused == len(said), f"{refused} of {len(said)} other configurations refused by name")


def r4(place: Place) -> Seen:
    """Resuming a finished run changes no byte of it."""
    expect(place.score(), 0)
    before = _digests(place.run())
    expect(place.score("--resume"), 0)
    after = _digests(place.run())
    changed = sorted(name for name in before | after if before.get(name) != after.get(name))
    return Seen(not changed, f"{len(changed)} files changed: {', '.join(changed)}")


def r5(place: Place) -> Seen:
    """``verify`` names what was edited in a finished run, and nothing where nothing was."""
    expect(place.score(), 0)
    untouched = place.bench("verify", str(place.run())).code
    named = {}
    for what in ("unit", "dtype", "device", "fingerprint", "params", "gateable", "a record", "hardware", "media"):
        copy = place.folder / f"edited {what}"
        shutil.copytree(place.run(), copy)
        _edit(copy, what)
        named[what] = place.bench("verify", str(copy)).code == 1
    missed = [what for what, found in named.items() if not found]
    return Seen(untouched == 0 and not missed, f"untouched: exit {untouched}; not named: {', '.join(missed) or 'none'}")


def _edit(run: Path, what: str) -> None:
    """One edit of a run folder."""
    if what == "media":
        next(run.glob("media/*/*.webp")).unlink()
        return
    if what == "hardware":
        manifest = manifest_of(run)
        manifest["hardware"]["cpu"] = "another"
        (run / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
        return
    path = run / "records.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if what == "a record":
        metrics = [line for line in lines if line["metric"] == "iou"]
        lines.remove(metrics[0])
    else:
        params = lines[0].get("params")
        other = {
            "params": {**params, "encoder": 7} if isinstance(params, dict) else 7,
            "gateable": not lines[0].get("gateable"),
            "fingerprint": "0" * 64,
        }
        lines[0][what] = other.get(what, "another")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def r6(place: Place) -> Seen:
    """Workers of pytest-xdist are refused in one line before any work."""
    done = place.score("-n", "2", candidates=[PIXELS, "pixels@patch/bilinear/single/linear"])
    runs = len(place.folders())
    refused = done.code == 4 and runs == 0 and "--engine local:2" in done.text
    return Seen(refused, f"-n 2: exit {done.code}, {runs} run folders")


def r8(place: Place) -> Seen:
    """Damaged folders are one line in every verb, and stop no other run."""
    expect(place.score(), 0)
    whole, other = place.run(), place.runs / "20000101T000000Z_damaged_0000"
    shutil.copytree(whole, other)
    (other / "run.json").write_text("[]", encoding="utf-8")
    history = place.bench("history", "--cell", "*", "--metric", "iou", "--out", str(place.runs))
    (other / "run.json").write_bytes((whole / "run.json").read_bytes())
    (other / "records.jsonl").write_bytes(b"7\n\xff\xfe\n")
    verify, compare = place.bench("verify", str(other)), place.bench("compare", str(other), str(whole))
    shutil.rmtree(other)
    (whole / "run.json").write_bytes(b"")
    resumed = place.score("--resume")
    said = {"history": history, "verify": verify, "compare": compare, "--resume": resumed}
    bad = [name for name, done in said.items() if "Traceback" in done.text or "INTERNALERROR" in done.text]
    listed = "pixels" in history.text or "1 run" in history.text
    return Seen(not bad and listed, f"tracebacks in: {', '.join(bad) or 'none'}; history of the whole run: {listed}")


def r9(place: Place) -> Seen:
    """A folder ``runs/latest`` that is no link of the harness stays."""
    kept = place.runs / "latest" / "kept.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("kept", encoding="utf-8")
    expect(place.score(), 0)
    return Seen(kept.is_file(), f"the folder is {'there' if kept.is_file() else 'gone'} after a run")


def r10(place: Place) -> Seen:
    """SIGTERM is an orderly end, and ``cache prune`` removes what a killed run was making."""
    with tempfile.TemporaryFile() as log:
        process = place.start(place.session("--train-size", "512", "--picture-px", "224"), log=log)
        ends = time.monotonic() + 240
        while not list(place.runs.glob("2*/run.json")) and time.monotonic() < ends:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    status = manifest_of(place.run())["status"]
    left = place.folder / "cache" / "making" / f"{'0' * 64}.1a2b3c4d"
    left.mkdir(parents=True)
    (left / "shard-00000.safetensors").write_bytes(b"half")
    long_ago = time.time() - 3 * 86400
    os.utime(left / "shard-00000.safetensors", (long_ago, long_ago))
    os.utime(left, (long_ago, long_ago))
    pruned = place.bench("cache", "prune", "--feature-cache", str(place.folder / "cache"), "--max-gib", "1")
    return Seen(
        status == "interrupted" and not left.exists(),
        f"status after SIGTERM: {status}; prune: exit {pruned.code}, leftovers {'stay' if left.exists() else 'gone'}",
    )


def r10b(place: Place) -> Seen:
    """A session that an interrupt does not reach says so, and how to stop it."""
    done = expect(place.score(deaf=True), 0)
    said = [line.strip() for line in done.text.splitlines() if "kill -TERM" in line]
    return Seen(len(said) == 1, f"lines that say how to stop it: {len(said)}")


def _digests(run: Path) -> dict[str, str]:
    found = [path for path in run.rglob("*") if path.is_file()]
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
