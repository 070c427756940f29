"""Matrices: sets of candidates in TOML, by product within a group."""

from __future__ import annotations

import fnmatch
import itertools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresight_harness.candidates.candidate import Candidate, parse_candidate
from foresight_harness.errors import CandidateError, UnknownPartError, UsageError
from foresight_harness.registry import Registry

GROUP_KEYS = {"streams", "enhancers", "fusions", "decoders"}


@dataclass(frozen=True)
class Matrix:
    """A named set of candidates."""

    name: str
    description: str
    candidates: tuple[Candidate, ...]
    left_out: tuple[str, ...] = ()
    """Why groups were left out: they name a part that no installed plugin offers."""


def read_matrix(path: Path, registry: Registry) -> Matrix:
    """Read a matrix and multiply out its groups.

    ``streams = ["every tiny encoder"]`` stands for each encoder of size ``tiny`` at its default tap, so that a plugin
    that was just installed is scored without an edit; in the other lists a glob stands for every name on offer that
    it fits.

    Raises:
        UsageError: naming the file and the key.
        CandidateError: where a name is unknown.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"matrix {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"matrix {path} is not valid TOML: {error}") from error
    candidates: dict[str, Candidate] = {}
    left_out: list[str] = []
    for number, group in enumerate(content.get("group", []), start=1):
        try:
            for candidate in _expand(group, registry, f"{path}, group {number}"):
                candidates.setdefault(str(candidate), candidate)
        except UnknownPartError as error:
            left_out.append(str(error))
    for text in content.get("candidates", []):
        candidate = parse_candidate(text)
        candidates.setdefault(str(candidate), candidate)
    if not candidates and not left_out:
        raise UsageError(f"matrix {path} holds no candidate; it needs [[group]] tables or a list 'candidates'")
    name, description = content.get("name", path.stem), content.get("description", "")
    return Matrix(name, description, tuple(candidates.values()), tuple(left_out))


def _expand(group: Mapping[str, Any], registry: Registry, where: str) -> Iterable[Candidate]:
    unknown = set(group) - GROUP_KEYS - {"comment"}
    if unknown:
        raise UsageError(f"{where}: unknown key {sorted(unknown)[0]!r}; a group has {', '.join(sorted(GROUP_KEYS))}")
    for key in GROUP_KEYS:
        value = group.get(key, ["?"])
        if not (isinstance(value, list) and value and all(isinstance(item, str) for item in value)):
            raise UsageError(f"{where}: {key} must be a list of names")
    streams = _expand_streams(group.get("streams", ["every tiny encoder"]), registry)
    enhancers = _expand_names(group.get("enhancers", ["identity"]), registry.enhancers, "enhancer")
    fusions = _expand_names(group.get("fusions", ["single"]), registry.fusions, "fusion")
    decoders = _expand_names(group.get("decoders", ["linear"]), registry.decoders, "decoder")
    for parts in itertools.product(streams, enhancers, fusions, decoders):
        yield parse_candidate("/".join(parts))


def _expand_streams(items: Iterable[str], registry: Registry) -> list[str]:
    found: list[str] = []
    for item in items:
        if item == "every tiny encoder":
            tiny = [spec for spec in registry.encoders.values() if spec.size == "tiny" and spec.role == "candidate"]
            found += [f"{spec.name}@{spec.default_tap}" for spec in tiny]
        elif item.startswith("every tap of "):
            spec = registry.encoder(item.removeprefix("every tap of "))
            found += [f"{spec.name}@{tap.name}" for tap in spec.taps]
        else:
            found.append(item)
    return found


def _expand_names(items: Iterable[str], offers: Mapping[str, Any], kind: str) -> list[str]:
    found: list[str] = []
    for item in items:
        if not set(item) & set("*?["):
            found.append(item)
            continue
        names = fnmatch.filter(offers, item)
        if not names:
            raise CandidateError(f"no {kind} fits {item!r}; there are {', '.join(sorted(offers))}")
        found += names
    return found
