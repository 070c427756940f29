"""Texts from outside made harmless: one line, no control characters, no secrets. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
"""Control characters, ends of lines, what turns the direction of writing, halves of characters."""
COMMAND = re.compile(r"^(\s*):(?=:)")
"""Start of a line that the runner of a CI job would carry out (``::error::``)."""
OLD_COMMAND = re.compile(r"##(?=\[)")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>\\]+")
ASKED_BY = re.compile(r"(?<=://)[^/]*(?=@)")
CUT = re.compile(r"(?<=://)[^/:?#\[]*:(?!\d{1,5}(?:[/?#.,:;)]|$))[^/?#]+")
"""Name and password of an address that somebody cut before its ``@``: what stands behind the colon is no port."""
ASKED_FOR = re.compile(r"[?].*|#.*=.*|;[^/?#]*=.*", re.DOTALL)
"""Query, and what else of an address carries tokens and signatures."""
NAMED = re.compile(
    r"(?i)\b(\w*(?:token|secret|password|passwd|pwd|signature|credentials?)|\w*(?:api|access|private|secret)[_-]?key|sig"
    r"|x-(?:amz|goog|ms)-[a-z-]+)=(?!\.\.\.)[^\s&;,\"'<>]+"
)
"""What is called a secret, where no address is around it."""
HEADER = re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+)[^\s\"']+")


def one_line(text: object, most: int | None = None) -> str:
    """A text as one line that is nothing but a text: for terminals, logs and CI.

    Args:
        text: Names, paths, ids, messages of others.
        most: Characters that are kept; None is all.

    >>> one_line("a.jpg\\n::error::stop")
    'a.jpg ::error::stop'
    >>> one_line("::error::stop")
    ': :error::stop'
    """
    flat = COMMAND.sub(r"\1: ", OLD_COMMAND.sub("# #", UNSEEN.sub(" ", str(text))))
    return flat if most is None or len(flat) <= most else flat[: max(0, most - 3)] + "..."


def without_secrets(text: str) -> str:
    """Addresses without names, passwords, queries and signatures: run folders are handed around.

    >>> without_secrets("https://me:secret@host/a?write_token=t failed")
    'https://...@host/a?... failed'
    """
    if "://" in text:
        text = ADDRESS.sub(_without_secrets, text)
    if "=" in text:
        text = NAMED.sub(r"\1=...", text)
    return HEADER.sub(r"\1...", text) if "uthorization" in text else text


def _without_secrets(found: re.Match[str]) -> str:
    address = CUT.sub("...", ASKED_BY.sub("...", found.group()))
    return ASKED_FOR.sub(lambda rest: f"{rest.group()[0]}..." if len(rest.group()) > 1 else rest.group(), address)


def without_secrets_in(value: Any) -> Any:
    """The same of every text in a JSON value, names of fields too; numbers and the like as they are."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return {without_secrets(str(name)): without_secrets_in(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets_in(entry) for entry in value]
    return without_secrets(str(value)) if isinstance(value, PurePath) else value
