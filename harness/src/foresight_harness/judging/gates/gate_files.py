"""Gate files: read, checked against what can be measured, kept with the run. Slips are one line, before any work."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.judging.gates.answers import NO_ANSWERS, Answers, read_answers
from foresight_harness.judging.gates.checking import Checker
from foresight_harness.judging.gates.gate import Gate
from foresight_harness.judging.gates.vocabulary import Vocabulary, vocabulary_of
from foresight_harness.planning.named_files import by_name
from foresight_harness.planning.registry import Registry, own_registry
from foresight_harness.planning.registry.registry import nearest

KEPT = "gates"
"""Folder of a run that holds its gate files."""
KEPT_ANSWERS = "answers.toml"
"""What people answered, in the run's folder."""


def find_gates(names: Sequence[str], folders: Sequence[Path], registry: Registry | None = None) -> list[Gate]:
    """Gates by name in ``folders``, or by file; ``all`` is every gate of the first folder that has any.

    Args:
        names: As given to ``--gate``.
        folders: Where named gates lie; the first that has one of that name counts.
        registry: What is on offer; None is what the harness itself offers.

    Raises:
        UsageError: naming the file, the rule and what is wrong.
    """
    known = by_name(folders)
    vocabulary = vocabulary_of(registry or own_registry())
    found: dict[Path, Gate] = {}
    for name in names:
        if name == "all" and known:
            paths = next(filter(None, (sorted(folder.glob("*.toml")) for folder in folders)))
        elif name.endswith(".toml") or "/" in name:
            paths = [Path(name)]
        elif name in known:
            paths = [known[name]]
        else:
            places = ", ".join(map(str, folders)) or "no folder"
            raise UsageError(f"--gate {name}: no such gate in {places}{nearest(name, known)}")
        for path in paths:
            if path not in found:
                found[path] = read_gate(path, vocabulary)
    names_found = [gate.name for gate in found.values()]
    if len(set(names_found)) < len(names_found):
        raise UsageError(f"--gate: two files have one name in {', '.join(map(str, found))}")
    return list(found.values())


def read_gate(path: Path, vocabulary: Vocabulary) -> Gate:
    """Read and check one gate file. Raises: UsageError."""
    try:
        raw = path.read_bytes()
        content = tomllib.loads(raw.decode())
    except OSError as error:
        raise UsageError(f"gate {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"gate {path} is not valid TOML: {error}") from error
    return Checker(str(path), vocabulary).gate(path.stem, raw, content)


def answers_of(
    path: str | Path | None, gates: Sequence[Gate], folders: Sequence[Path], registry: Registry | None = None
) -> Answers:
    """The answers of a file, which may speak of every gate that lies beside. None: no answers. Raises: UsageError."""
    if path is None:
        return NO_ANSWERS
    if not gates:
        raise UsageError(f"--answers {path}: no gate was named that they could count for; name one with --gate")
    named = {gate.name for gate in gates}
    beside = find_gates(["all"], folders, registry) if folders else []
    return read_answers(Path(path), [*gates, *(gate for gate in beside if gate.name not in named)])


def keep_gates(run: Path, gates: Sequence[Gate]) -> list[dict[str, str]]:
    """Copy gate files into a run folder, so that it can be judged again; returns what stands in ``run.json``."""
    (run / KEPT).mkdir(exist_ok=True)
    for gate in gates:
        (run / KEPT / f"{gate.name}.toml").write_text(gate.text, encoding="utf-8", newline="")
    return [{"name": gate.name, "digest": gate.digest, "path": f"{KEPT}/{gate.name}.toml"} for gate in gates]


def keep_answers(run: Path, answers: Answers | None) -> dict[str, str] | None:
    """Copy what people answered into a run folder; returns what stands in ``run.json``."""
    if answers is None or not answers.digest:
        return None
    (run / KEPT_ANSWERS).write_bytes(answers.raw)
    return {"digest": answers.digest, "path": KEPT_ANSWERS}


def kept_gates(run: Path, manifest: Mapping[str, Any], registry: Registry) -> list[Gate]:
    """The gates that a run was asked for. Raises: RunFolderError where a kept file is absent or was changed."""
    vocabulary, gates = vocabulary_of(registry), []
    for entry in manifest.get("gates") or []:
        try:
            gate = read_gate(run / entry["path"], vocabulary)
        except UsageError as error:
            raise RunFolderError(str(error)) from error
        if gate.digest != entry["digest"]:
            raise RunFolderError(f"{run / entry['path']} was changed after the run: {gate.digest}, {entry['digest']}")
        gates.append(gate)
    return gates


def kept_answers(run: Path, manifest: Mapping[str, Any], gates: Sequence[Gate]) -> Answers:
    """What people answered for these gates of a run. Raises: RunFolderError where the file is absent or was changed."""
    entry = manifest.get("answers")
    if not entry:
        return NO_ANSWERS
    try:
        found = read_answers(run / entry["path"], gates, of_others=True)
    except UsageError as error:
        raise RunFolderError(str(error)) from error
    if found.digest != entry["digest"]:
        raise RunFolderError(f"{run / entry['path']} was changed after the run: {found.digest}, {entry['digest']}")
    return found
