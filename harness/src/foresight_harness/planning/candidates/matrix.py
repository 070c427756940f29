"""Matrices: sets of candidates in TOML, by product within a group."""

from __future__ import annotations

import fnmatch
import itertools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import CandidateError, UnknownPartError, UsageError
from foresight_harness.planning.candidates.candidate import Candidate, parse_candidate
from foresight_harness.planning.options import DEFAULT_SCALE, SCALES, DatasetChoice, parse_dataset, scale_of
from foresight_harness.planning.options.feeding import POLICIES
from foresight_harness.planning.options.probe_names import checked_probe
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.search.rungs import EVERY_DEFAULT, SearchTable, read_table

MATRIX_KEYS = {
    *("name", "description", "suites", "datasets", "scale", "only", "probes", "input", "search", "group", "candidates")
}
GROUP_KEYS = {"streams", "enhancers", "fusions", "decoders", "scale", "comment", "where_weights_are"}


@dataclass(frozen=True)
class Matrix:
    """A named set of candidates, and how they are scored where the command line does not say."""

    name: str
    description: str
    candidates: tuple[Candidate, ...]
    left_out: tuple[str, ...] = ()
    """Why groups were left out: they name a part that no installed plugin offers."""
    suites: tuple[str, ...] | None = None
    """Suites that the matrix is scored in; None is every default suite."""
    datasets: tuple[DatasetChoice, ...] = ()
    """Data sets where ``--dataset`` is not given; empty is the harness's own default."""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By suite, globs over the candidates that it scores: costly suites score a few."""
    scale: str = DEFAULT_SCALE
    """The scale that groups were chosen for: ``--scale``, else the matrix's own, else ``smoke``."""
    probes: tuple[str, ...] = ()
    """Probes that are scored beside the primary one where ``--probe`` is not given."""
    input: str | None = None
    """What encoders are fed where ``--input`` is not given; None is the harness's own default."""
    search: SearchTable = EVERY_DEFAULT
    """What ``--search`` seeks by, and its rungs; empty is the default ones."""
    where_weights_are: frozenset[str] = frozenset()
    """Candidates that are left out, and said, where their published weights are not on this machine."""


def read_matrix(path: Path, registry: Registry, scale: str | None = None) -> Matrix:
    """Read a matrix and multiply out its groups.

    ``streams = ["every tiny encoder"]`` stands for each encoder of size ``tiny`` at its default tap, nano ones left
    out, so that a plugin that was just installed is scored without an edit; in the other lists a glob stands for every
    name on offer that it fits. A group with ``scale = [...]`` counts at these scales only: tiny encoders for a smoke
    run and published ones beyond stand in one matrix. One with ``where_weights_are = true`` counts where its weights
    are on the machine.

    Args:
        path: The TOML file.
        registry: What is on offer.
        scale: Overrides the matrix's own scale.

    Raises:
        UsageError: naming the file and the key, or the unknown suite, data set or scale.
        CandidateError: where a name is unknown.
    """
    content = _toml_of(path)
    _refuse_unknown_keys(content, MATRIX_KEYS, f"matrix {path}", "a matrix")
    own = _known_scale(_text(content, "scale", f"matrix {path}", DEFAULT_SCALE), f"matrix {path}")
    chosen = own if scale is None else scale_of(scale).name
    candidates: dict[str, Candidate] = {}
    left_out: list[str] = []
    conditional: set[str] = set()
    for number, group in enumerate(content.get("group", []), start=1):
        where = f"matrix {path}, group {number}"
        try:
            if chosen in _scales_of(group, where):
                found = {str(candidate): candidate for candidate in _expand(group, registry, where)}
                if _flag(group, "where_weights_are", where):
                    conditional |= found.keys() - candidates.keys()
                else:
                    conditional -= found.keys()
                for name, candidate in found.items():
                    candidates.setdefault(name, candidate)
        except UnknownPartError as error:
            left_out.append(str(error))
    for text in _names(content, "candidates", f"matrix {path}", []):
        candidate = parse_candidate(text)
        candidates.setdefault(str(candidate), candidate)
    if not candidates and not left_out:
        raise UsageError(
            f"matrix {path} holds no candidate at scale {chosen}; it needs [[group]] tables or a list 'candidates'"
        )
    return Matrix(
        name=_text(content, "name", f"matrix {path}", path.stem),
        description=_text(content, "description", f"matrix {path}", ""),
        candidates=tuple(candidates.values()),
        left_out=tuple(left_out),
        suites=_suites_of(content, path, registry),
        datasets=_datasets_of(content, path, registry),
        only=_only_of(content, path, registry),
        scale=chosen,
        probes=_probes_of(content, path, registry),
        input=_input_of(content, f"matrix {path}"),
        search=read_table(content.get("search", {}), f"matrix {path}"),
        where_weights_are=frozenset(conditional),
    )


def _toml_of(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"matrix {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"matrix {path} is not valid TOML: {error}") from error


def _refuse_unknown_keys(found: Mapping[str, Any], known: set[str], where: str, what: str) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise UsageError(f"{where}: unknown key {unknown[0]!r}; {what} has {', '.join(sorted(known))}")


def _text(content: Mapping[str, Any], key: str, where: str, default: str) -> str:
    value = content.get(key, default)
    if not isinstance(value, str):
        raise UsageError(f"{where}: {key} must be a text")
    return value


def _flag(content: Mapping[str, Any], key: str, where: str) -> bool:
    value = content.get(key, False)
    if not isinstance(value, bool):
        raise UsageError(f"{where}: {key} must be true or false")
    return value


def _names(content: Mapping[str, Any], key: str, where: str, default: list[str]) -> list[str]:
    value = content.get(key, default)
    if not (isinstance(value, list) and (value or key not in content) and all(isinstance(item, str) for item in value)):
        raise UsageError(f"{where}: {key} must be a list of names")
    return value


def _suites_of(content: Mapping[str, Any], path: Path, registry: Registry) -> tuple[str, ...] | None:
    try:
        names = tuple(registry.suite(name).name for name in _names(content, "suites", f"matrix {path}", []))
    except UsageError as error:
        raise UsageError(str(error) if str(path) in str(error) else f"matrix {path}: {error}") from error
    return names or None


def _only_of(content: Mapping[str, Any], path: Path, registry: Registry) -> dict[str, tuple[str, ...]]:
    table = content.get("only", {})
    if not isinstance(table, dict):
        raise UsageError(f"matrix {path}: only must be a table of suites, each with a list of candidate globs")
    _suites_of({"suites": list(table)} if table else {}, path, registry)
    return {name: tuple(_names(table, name, f"matrix {path}, only", [])) for name in table}


def _datasets_of(content: Mapping[str, Any], path: Path, registry: Registry) -> tuple[DatasetChoice, ...]:
    choices = tuple(parse_dataset(text) for text in _names(content, "datasets", f"matrix {path}", []))
    for choice in choices:
        try:
            registry.dataset(choice.name)
        except CandidateError as error:
            raise UsageError(f"matrix {path}: {error}") from error
    return choices


def _probes_of(content: Mapping[str, Any], path: Path, registry: Registry) -> tuple[str, ...]:
    try:
        return tuple(checked_probe(registry, name) for name in _names(content, "probes", f"matrix {path}", []))
    except UsageError as error:
        raise UsageError(str(error).replace("--probe", f"matrix {path}: probe", 1)) from error


def _input_of(content: Mapping[str, Any], where: str) -> str | None:
    value = _text(content, "input", where, "") or None
    if value is not None and value not in POLICIES:
        raise UsageError(f"{where}: unknown input {value!r}; there are {', '.join(POLICIES)}")
    return value


def _scales_of(group: Mapping[str, Any], where: str) -> list[str]:
    """The scales at which a group counts."""
    return [_known_scale(name, where) for name in _names(group, "scale", where, list(SCALES))]


def _known_scale(name: str, where: str) -> str:
    if name not in SCALES:
        raise UsageError(f"{where}: unknown scale {name!r}; there are {', '.join(SCALES)}")
    return name


def _expand(group: Mapping[str, Any], registry: Registry, where: str) -> Iterable[Candidate]:
    _refuse_unknown_keys(group, GROUP_KEYS, where, "a group")
    streams = _expand_streams(_names(group, "streams", where, ["every tiny encoder"]), registry)
    enhancers = _expand_names(_names(group, "enhancers", where, ["identity"]), registry.enhancers, "enhancer")
    fusions = _expand_names(_names(group, "fusions", where, ["single"]), registry.fusions, "fusion")
    decoders = _expand_names(_names(group, "decoders", where, ["linear"]), registry.decoders, "decoder")
    for parts in itertools.product(streams, enhancers, fusions, decoders):
        yield parse_candidate("/".join(parts))


def _expand_streams(items: Iterable[str], registry: Registry) -> list[str]:
    found: list[str] = []
    for item in items:
        if item == "every tiny encoder":
            tiny = [spec for spec in registry.encoders.values() if spec.size == "tiny" and spec.role == "candidate"]
            # Nano ones have twins and taps of their own that a matrix names.
            found += [f"{spec.name}@{spec.default_tap}" for spec in tiny if "nano" not in spec.weights]
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
