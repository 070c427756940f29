"""Where the package index that pip uses on this machine keeps one archive. Pip knows the address, not we."""

from __future__ import annotations

import ast
import base64
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from foresight_harness.contracts.errors import CheckpointError

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
"""Both forms of an index page: PEP 691 and PEP 503."""

TIMEOUT_S = 30
PIP_TIMEOUT_S = 300
"""A second on a quiet machine."""

MOST_BYTES = 64 * 2**20


class Index(NamedTuple):
    """What pip is told about indexes."""

    addresses: tuple[str, ...]
    """In the order asked; each ends in ``/``."""
    certificates: str | None
    """File of certificate authorities, where pip has one of its own."""


@lru_cache(maxsize=1)
def pip_index() -> Index:
    """The indexes of pip's environment variables, else its configuration, else the one that pip was built for.

    Raises:
        CheckpointError: where pip is not installed and no index is named.
    """
    said = _pip_settings()
    if said.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        raise CheckpointError("the package index cannot be asked: pip is told to use none (no-index)")
    main = said.get("index-url") or _default_address()
    addresses = [main, *said.get("extra-index-url", "").split()]
    return Index(tuple(f"{address.rstrip('/')}/" for address in addresses), said.get("cert") or None)


def _pip_settings() -> dict[str, str]:
    """What ``pip config list`` says, by name without its section; the environment is last there, and wins."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PIP_TIMEOUT_S)
    except (subprocess.SubprocessError, OSError) as error:
        reason = "it did not answer" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        raise CheckpointError(f"pip cannot be asked for the package index: {reason}; set PIP_INDEX_URL") from error
    found: dict[str, str] = {}
    ranks: dict[str, int] = {}
    for line in done.stdout.splitlines():
        where, _, written = line.partition("=")
        section, _, name = where.rpartition(".")
        rank = (":env:", "download", "global").index(section) if section in (":env:", "download", "global") else 9
        if rank < ranks.get(name, 9):
            try:
                found[name], ranks[name] = str(ast.literal_eval(written)), rank
            except (ValueError, SyntaxError):
                continue
    if done.returncode != 0:  # no pip in this environment
        named = {name: os.environ.get(f"PIP_{name.upper().replace('-', '_')}", "") for name in ("index-url", "cert")}
        found = {name: value for name, value in named.items() if value}
    return found


def _default_address() -> str:
    try:
        from pip._internal.models.index import PyPI
    except ImportError:
        raise CheckpointError(
            "the package index cannot be asked: pip, which knows its address, is not installed; set PIP_INDEX_URL"
        ) from None
    return str(PyPI.simple_url)


def archive_address(package: str, version: str, archive: str) -> str:
    """The address of one archive.

    Raises:
        CheckpointError: where no index can be reached, or none offers that file.
    """
    index = pip_index()
    unreached: list[str] = []
    offered: set[str] = set()
    for address in index.addresses:
        page = f"{address}{package}/"
        try:
            files = _files(page, index)
        except HTTPError as error:
            if error.code != 404:
                unreached.append(f"it answered {error.code}")
            continue
        except (URLError, OSError, ValueError) as error:
            if urlsplit(address).scheme != "file":
                unreached.append(str(getattr(error, "reason", error)).splitlines()[0][:120])
            continue
        if archive in files:
            return files[archive]
        offered |= files.keys()
    if offered or not unreached:
        there = f"; it has {', '.join(sorted(offered)[:4])}" if offered else ""
        raise CheckpointError(f"the package index offers no {archive} ({package} {version}){there}")
    raise CheckpointError(f"the package index cannot be reached for {package} {version} ({unreached[0]})")


def request_of(address: str, **headers: str) -> Request:
    """A request in which a name and password of the address stand in a header, where they belong."""
    parts = urlsplit(address)
    if parts.username is None:
        return Request(address, headers=headers)
    host = parts.netloc.rpartition("@")[2]
    said = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    signed = {**headers, "Authorization": f"Basic {base64.b64encode(said).decode()}"}
    return Request(urlunsplit(parts._replace(netloc=host)), headers=signed)


def trust_of(address: str) -> ssl.SSLContext | None:
    """Certificates for an address of the index: pip's own where it has some."""
    if urlsplit(address).scheme != "https":
        return None
    return ssl.create_default_context(cafile=pip_index().certificates)


def _files(page: str, index: Index) -> Mapping[str, str]:
    """File name -> address, from one project's page. Raises: OSError, ValueError."""
    where = f"{page}index.html" if urlsplit(page).scheme == "file" else page
    with urlopen(request_of(where, Accept=ACCEPT), timeout=TIMEOUT_S, context=trust_of(where)) as answer:
        kind = answer.headers.get("Content-Type") or ""
        content = answer.read(MOST_BYTES).decode("utf-8", "replace")
    if "json" in kind:
        links = {str(entry["filename"]): str(entry["url"]) for entry in json.loads(content)["files"]}
    else:
        parser = _Links()
        parser.feed(content)
        links = parser.found
    return {name: urldefrag(urljoin(page, link)).url for name, link in links.items()}


class _Links(HTMLParser):
    """File names and links of a page in the older form."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A link's file name is the end of its path."""
        link = dict(attrs).get("href") if tag == "a" else None
        if link:
            self.found[unquote(urlsplit(link).path.rpartition("/")[2])] = link
