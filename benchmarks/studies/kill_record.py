"""The record of `random_kills.py`: JSON lines that are only ever appended, and what they add up to."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class KillRecord:
    """Lines of a record: `begun`, `undisturbed`, `kill`, `end` of a chain, `given_up` (a chain that an earlier call
    left), `summary`. A kill counts once its chain has its `end`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[Line] = []
        if path.is_file():
            self.lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def add(self, what: str, **told: Any) -> Line:
        """Append one line, on disk when this returns. Returns: the line."""
        line = {"line": what, **told}
        self.lines.append(line)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
        print(json.dumps(line)[:1000], flush=True)
        return line

    def of(self, what: str, engine: str = "") -> list[Line]:
        """Lines of one kind, of one engine or of all."""
        return [line for line in self.lines if line["line"] == what and engine in ("", line.get("engine"))]

    def undisturbed(self, engine: str, commit: str) -> Line | None:
        """The run of an engine that nothing was killed of, where it was of this code."""
        return next((line for line in self.of("undisturbed", engine) if line.get("commit") == commit), None)

    def quickest_s(self, engine: str, calm: Line) -> float:
        """Seconds of the quickest run of an engine and of this code that nothing was killed of."""
        later = self.lines[self.lines.index(calm) :]
        ends = [line for line in later if line["line"] == "end" and line["engine"] == engine]
        quick = [line for line in ends if line["lives"] == 1 and not line["kills"]]
        return min(float(line["seconds"]) for line in [calm, *quick])

    def kills(self, engine: str = "") -> list[Line]:
        """Kills whose chain came to its end."""
        ended = {(line["engine"], line["chain"]) for line in self.of("end", engine)}
        return [line for line in self.of("kill", engine) if (line["engine"], line["chain"]) in ended]

    def give_up(self, engine: str) -> None:
        """Say of chains that an earlier call left unfinished that they are not gone on with."""
        known = {line["chain"] for what in ("end", "given_up") for line in self.of(what, engine)}
        for chain in sorted({line["chain"] for line in self.of("kill", engine)} - known):
            self.add("given_up", engine=engine, chain=chain)

    def next_chain(self, engine: str) -> int:
        """The number of a chain that is not in the record yet."""
        used = [line["chain"] for what in ("kill", "end", "given_up") for line in self.of(what, engine)]
        return max(used, default=-1) + 1

    def summary(self) -> Line:
        """Figures over all chains that ended."""
        kills, ends = self.kills(), self.of("end")
        calm: dict[str, set[str]] = {}
        for line in self.of("undisturbed"):
            calm.setdefault(line.get("commit", ""), set()).add(json.dumps(line["digests"], sort_keys=True))
        alone = [line for line in kills if line["kind"].startswith("only node")]
        return {
            "kills": len(kills),
            "by_engine": {
                engine: dict(Counter(line["kind"] for line in self.kills(engine)))
                for engine in dict.fromkeys(line["engine"] for line in kills)
            },
            "among": dict(Counter(line["among"] for line in kills)),
            "chains": len(ends),
            "chains_equal": sum(line["digests_equal"] for line in ends),
            "chains_with_faults": sum(bool(line["faults"]) for line in ends),
            "chains_given_up": len(self.of("given_up")),
            "engines_equal": all(len(digests) == 1 for digests in calm.values()),
            "longest_end_without_the_only_node_s": max((line["ended_after_s"] for line in alone), default=None),
        }
