"""Options in a file: ``foresight.toml`` in the working folder, under their long names. The command line wins."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.options.declared import BY_NAME, KINDS, Option
from foresight_harness.planning.registry.registry import nearest

NAME = "foresight.toml"


@dataclass(frozen=True)
class OptionsFile:
    """What a file says; nothing where there is none."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    """By name as in Python; lists are tuples."""


def read_options(named: str | Path | None = None) -> OptionsFile:
    """The options of a file.

    Args:
        named: The file; None is ``foresight.toml`` in the working folder, if there is one. Paths in it are read as
            on a command line: from the working folder.

    Raises:
        UsageError: naming the file, the option and what is wrong with it.
    """
    path = Path(named or NAME)
    if named is None and not path.is_file():
        return OptionsFile()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"options {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"options {path} is not valid TOML: {error}") from error
    known = {option.long_name: option for option in BY_NAME.values()}
    values = {}
    for key, value in content.items():
        option = known.get(key.replace("_", "-"))
        if option is None:
            raise UsageError(f"options {path}: unknown option {key!r}{nearest(key, known)}")
        values[option.name] = _value(option, value, f"options {path}: {key} is {value!r}")
    return OptionsFile(path, values)


def _value(option: Option, value: object, said: str) -> Any:
    """The value, in the option's type. Raises: UsageError."""
    if not option.repeatable:
        return _one(option, value, f"{said}; write {KINDS[option.kind]}")
    wrong = f"{said}; write {KINDS[option.kind]}, or a list of them"
    return tuple(_one(option, each, wrong) for each in (value if isinstance(value, list) else [value]))


def _one(option: Option, value: object, wrong: str) -> Any:
    fits = isinstance(value, (int, float) if option.kind is float else option.kind)
    if not fits or (isinstance(value, bool) and option.kind is not bool):
        raise UsageError(wrong)
    return value


def merged(file: OptionsFile, said: Mapping[str, Any]) -> dict[str, Any]:
    """What holds: what was said, else the file. None, and a list of nothing, is not said."""
    return {**file.values, **{name: value for name, value in said.items() if is_said(value)}}


def is_said(value: object) -> bool:
    """Whether an option was given at all."""
    return value is not None and value != [] and value != ()
