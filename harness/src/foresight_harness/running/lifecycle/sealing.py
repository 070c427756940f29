"""The seal of a finished run: a digest of every file and of every record line, to see later what was changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.contracts.records.record import check_schema
from foresight_harness.running.run_folder.folder import writing

NAME = "seal.json"
MARK = "sealed"
"""Field of ``run.json`` that says that there is a seal, so that one that was removed is missed."""
PAGES = ("report.html", "report", "decision.html", "decision.json")
"""Left out: a page is made of the rest, may be rendered again by a newer writer, and proves nothing. What
``decide`` says of a run is such a page, and its content; it also rests on answers and runs beside this one."""
RECORDS = "records.jsonl"


@dataclass(frozen=True)
class Seal:
    """What ``seal.json`` holds."""

    run: str
    files: Mapping[str, str]
    """Path in the run folder -> sha256."""
    lines: tuple[tuple[str, str], ...]
    """Of each line of ``records.jsonl`` what it is of, and its sha256."""
    digest: str
    """sha256 over all of it: written down elsewhere, it shows that nobody has sealed the run anew."""
    holds: bool
    """Whether ``digest`` is that of the rest."""
    further: Mapping[str, Any] = field(default_factory=dict)


def seal(run: Path) -> str:
    """Seal a run folder as it stands. ``run.json`` must say so (``MARK``) beforehand.

    Returns:
        The digest of the seal.

    Raises:
        RunFolderError: where it cannot be written.
    """
    with writing(run):
        content = {
            "schema": SCHEMA,
            "run": run.name,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "files": {name: _sha256(run / name) for name in sealed_names(run)},
            "records": [list(line) for line in lines_of(run)],
        }
        return _write(run, content)


def unseal(run: Path) -> None:
    """A run that goes on has no seal until it ends again. Raises: RunFolderError."""
    with writing(run):
        (run / NAME).unlink(missing_ok=True)


@contextmanager
def resealed(run: Path, *names: str) -> Iterator[None]:
    """Around what may add to a finished run by itself: a comparison, an export. Only these files are sealed again.

    Where one of them was changed before, or the seal does not hold, the seal is left as it is: a change that nobody
    knows of must not be sealed with one that is known.
    """
    before = read_seal(run) if (run / NAME).is_file() else None
    known = before is not None and before.holds
    for name in names if before is not None else ():
        stated = before.files.get(name) if before else None
        known = known and stated == (_sha256(run / name) if (run / name).is_file() else None)
    yield
    if before is None or not known:
        return
    files = dict(before.files)
    for name in names:
        files.pop(name, None)
        if (run / name).is_file():
            files[name] = _sha256(run / name)
    content = {**before.further, "run": before.run, "files": dict(sorted(files.items()))}
    with writing(run):
        _write(run, content | {"records": [list(line) for line in before.lines]})


def read_seal(run: Path) -> Seal:
    """The seal of a run.

    Raises:
        RunFolderError: where it is absent, damaged or of a newer schema.
    """
    path = run / NAME
    try:
        content = json.loads(path.read_bytes())
        stated = content.pop("digest")
        files = {str(name): str(value) for name, value in content["files"].items()}
        lines = tuple((str(name), str(value)) for name, value in content["records"])
        schema, name = content.get("schema"), str(content["run"])
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunFolderError(f"{path} is cut short or no seal ({type(error).__name__})") from error
    check_schema(schema, str(path))
    holds = stated == _digest(content)
    further = {key: value for key, value in content.items() if key not in ("run", "files", "records")}
    return Seal(name, files, lines, str(stated), holds, further)


def differences(run: Path) -> list[str]:
    """What is not as it was sealed, one line each; no line where all is. Raises: RunFolderError for a damaged seal."""
    found = read_seal(run)
    said = [] if found.holds else [f"{NAME} was changed after the run was sealed"]
    if found.run != run.resolve().name:
        said.append(f"{NAME} is of run {found.run}, and the folder is called {run.resolve().name}")
    here = set(sealed_names(run))
    for name in sorted({*found.files, *here}):
        if name not in here:
            said.append(f"{name} was removed after the run was sealed")
        elif name not in found.files:
            said.append(f"{name} was added after the run was sealed")
        elif _sha256_or_none(run / name) != found.files[name]:
            said.append(f"{name} was changed after the run was sealed")
    return said + list(_changed_lines(run, found))


def _changed_lines(run: Path, found: Seal) -> Iterator[str]:
    """Lines of ``records.jsonl`` by what they are of, so that one that was dropped is named too."""
    now = lines_of(run)
    left = {digest for _, digest in now}
    sealed = {digest for _, digest in found.lines}
    names = [name for name, digest in now if digest not in sealed]
    for name, digest in found.lines:
        if digest not in left:
            changed = name in names
            yield f"record of {name} was {'changed' if changed else 'removed or renamed'} after the run was sealed"
    known = {name for name, _ in found.lines}
    for name in names:
        if name not in known:
            yield f"record of {name} was added or renamed after the run was sealed"
    if left == sealed and len(now) != len(found.lines):
        yield f"{RECORDS} has {len(now)} lines, {len(found.lines)} were sealed"
    elif left == sealed and now != list(found.lines):
        yield f"the lines of {RECORDS} stand in another order than they were sealed in"


def sealed_names(run: Path) -> list[str]:
    """Files that a seal covers, sorted: all but pages, the seal, and what programs keep for themselves (``.lock``).

    Links are named, and what they lead to is hashed: a run holds none.
    """
    found = []
    for folder, folders, files in os.walk(run):
        place = Path(folder).relative_to(run).as_posix()
        folders[:] = [name for name in folders if not name.startswith(".") and not (place == "." and name in PAGES)]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        for name in (*files, *links):
            path = name if place == "." else f"{place}/{name}"
            if not name.startswith(".") and path not in (NAME, *PAGES):
                found.append(path)
    return sorted(found)


def lines_of(run: Path) -> list[tuple[str, str]]:
    """Each line of ``records.jsonl``: what it is of, and its sha256."""
    try:
        lines = (run / RECORDS).read_bytes().split(b"\n")
    except OSError:
        return []
    return [(_named(line), hashlib.sha256(line).hexdigest()) for line in lines if line]


def _named(line: bytes) -> str:
    try:
        content = json.loads(line)
        parts = [content.get(name) for name in ("suite", "metric", "probe", "candidate", "dataset")]
    except (ValueError, AttributeError, RecursionError):
        return "a line that is no record"
    suite, metric, probe, candidate, dataset = parts
    told = f"{suite} {metric or 'failure'}" + (f" by {probe}" if probe else "")
    return f"{told} of {candidate} on {dataset}"


def _write(run: Path, content: dict[str, Any]) -> str:
    stated = _digest(content)
    fresh = run / f".{NAME}"
    fresh.write_text(json.dumps({**content, "digest": stated}, indent=1) + "\n", encoding="utf-8")
    fresh.replace(run / NAME)
    return stated


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sha256_or_none(path: Path) -> str | None:
    """None for what cannot be read: a link in a circle, or a folder in the place of a file."""
    try:
        return _sha256(path)
    except OSError:
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
