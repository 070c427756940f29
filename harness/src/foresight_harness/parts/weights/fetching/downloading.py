"""One file from an address: resumed where it broke off, held to its size and hash, put in place only when whole."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.parts.weights.fetching.package_index import request_of
from foresight_harness.parts.weights.hashing import file_sha256

TRIES = 4
WAIT_S = 1.0
"""Before the second try; doubled for each that follows."""
TIMEOUT_S = 30
BLOCK = 2**18
PART = ".part"

Told = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes expected."""


def download(
    address: str,
    target: Path,
    *,
    sha256: str,
    size: int | None,
    told: Told = lambda done, total: None,
    trust: ssl.SSLContext | None = None,
) -> Path:
    """Download a file.

    What has come lies in ``target`` + ``.part``; a later call goes on from there. One process at a time:
    the caller holds a lock.

    Args:
        address: ``https:``, ``http:`` or ``file:``.
        target: Where the whole file goes. Kept where it is already there with that hash.
        sha256: Of the whole, or its first digits where the publisher gives no more (at least 8).
        size: Bytes of the whole; None where nobody says. More are never written.
        told: For a progress bar.
        trust: Certificates; None for the machine's own.

    Raises:
        CheckpointError: in one line; the target is then as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    if target.is_file() and file_sha256(target).startswith(sha256):
        return target
    _fill(address, part, target.name, size, told, trust)
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if not found.startswith(sha256):
        part.unlink()
        raise CheckpointError(
            f"{target.name} came with sha256 {found[:12]}..., expected {sha256[:12]}...: it is not the published file; "
            "nothing was kept"
        )
    part.replace(target)
    return target


def _fill(address: str, part: Path, name: str, size: int | None, told: Told, trust: ssl.SSLContext | None) -> None:
    """Bring ``part`` to its full size, in as many tries as are allowed. Raises: CheckpointError."""
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(WAIT_S * 2 ** (attempt - 1))
        try:
            expected = _receive(address, part, name, size, told, trust)
        except HTTPError as error:
            if error.code == 416 and part.is_file():  # what is here is no beginning of that file
                part.unlink()
            reason = f"the server answered {error.code}"
            if error.code in (401, 403, 404, 410):
                break
            continue
        except (URLError, OSError, http.client.HTTPException) as error:
            reason = (str(getattr(error, "reason", error)).splitlines() or [type(error).__name__])[0][:120]
            continue
        here = part.stat().st_size
        if expected is None or here == expected:
            return
        reason = f"it broke off after {here} of {expected} bytes"
    raise CheckpointError(f"{name} could not be downloaded: {reason}; ask again to go on from there")


def _receive(
    address: str, part: Path, name: str, size: int | None, told: Told, trust: ssl.SSLContext | None
) -> int | None:
    """One try. Returns: the bytes that the whole has; None where nobody says. Raises: OSError, CheckpointError."""
    here = part.stat().st_size if part.is_file() else 0
    if size is not None and here >= size:
        if here == size:
            return size
        part.unlink()
        here = 0
    request = request_of(address, **({"Range": f"bytes={here}-"} if here else {}), **{"Accept-Encoding": "identity"})
    with urlopen(request, timeout=TIMEOUT_S, context=trust) as answer:
        resumed = getattr(answer, "status", 200) == 206 and _starts_at(answer, here)
        length = answer.headers.get("Content-Length")
        total = size
        if total is None and length is not None:
            total = int(length) + (here if resumed else 0)
        with part.open("ab" if resumed else "wb") as out:
            _copy(answer, out, here if resumed else 0, total, name, told)
    return total


def _starts_at(answer: http.client.HTTPResponse, place: int) -> bool:
    return (answer.headers.get("Content-Range") or "").replace("bytes ", "", 1).startswith(f"{place}-")


def _copy(answer: IO[bytes], out: IO[bytes], here: int, total: int | None, name: str, told: Told) -> None:
    told(here, total)
    while block := answer.read(BLOCK):
        here += len(block)
        if total is not None and here > total:
            out.truncate(0)
            raise CheckpointError(f"{name} is longer than the {total} bytes that were published; nothing was kept")
        out.write(block)
        told(here, total)
