"""``foresight-bench weights``: what is published, what is here, one line for what cannot be had."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foresight_harness import PublishedFile, PublishedWeights
from foresight_harness.contracts.specs import DecoderSpec, LatentSpace
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.registry.published_weights import known_weights, weights_of
from foresight_harness.surface import command as cli

CONTENT = b"weights"
Json = Callable[..., tuple[int, Any]]


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, builtins: Registry) -> Path:
    """An empty weights folder, and a registry with one more published encoder."""
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    published = PublishedWeights(
        "some_base",
        "someone/some",
        "MIT",
        (PublishedFile("model.safetensors", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)),),
        commit="0" * 40,
    )
    spec = replace(builtins.encoders["pixels"], name="some_base", repo="someone/some", published=published)
    registry = replace(builtins, encoders={**builtins.encoders, "some_base": spec})
    monkeypatch.setattr("foresight_harness.surface.command.weights.load_registry", lambda: registry)
    return tmp_path / "weights"


@pytest.fixture
def ask(folder: Path, capsys: pytest.CaptureFixture[str]) -> Json:
    """Exit code and parsed answer of ``weights ... --json``."""

    def run(*words: str) -> tuple[int, Any]:
        code = cli.main(["weights", *words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_list_names_every_file_with_its_source_and_licence(ask: Json) -> None:
    code, found = ask("list")
    rows = {row["name"]: row for row in found["files"]}
    assert code == 0
    assert {"lpips_alex", "lpips_vgg", "torchvision:alexnet", "torchvision:vgg16", "some_base"} <= rows.keys()
    assert rows["lpips_alex"]["source"] == "package index"
    assert rows["torchvision:vgg16"]["bytes"] == 553_433_881
    assert rows["some_base"]["commit"] == "0" * 40
    assert all(row["license"] for row in rows.values())
    assert {row["state"] for row in rows.values()} == {"absent"}


def test_check_says_published_and_wrong_and_exits_by_it(ask: Json, folder: Path) -> None:
    assert ask("check") == (0, {"folder": str(folder), "files": []})
    assert ask("check", "some_base")[0] == 1
    path = folder / "someone" / "some" / "model.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    code, found = ask("check", "some_base")
    assert (code, [row["state"] for row in found["files"]]) == (0, ["published"])
    path.write_bytes(b"another")
    code, found = ask("check")
    assert (code, [row["state"] for row in found["files"]]) == (1, ["wrong"])


def test_fetch_says_what_failed_in_one_line_and_exits_1(
    ask: Json, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> str:
        raise OSError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    code, found = ask("fetch", "some_base")
    assert code == 1
    assert found == [
        {
            "name": "some_base",
            "state": "failed",
            "said": "the Hub cannot be reached for someone/some (no route)",
            "license": "MIT",
        }
    ]
    assert not folder.exists()


def test_fetch_leaves_what_is_here_alone(ask: Json, folder: Path) -> None:
    path = folder / "someone" / "some" / "model.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    code, (found,) = ask("fetch", "some_base")
    assert (code, found["state"], found["said"]) == (0, "here", str(path.parent))


def test_a_name_that_is_not_published_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["weights", "fetch", "lpips_alax"]) == 2
    assert "did you mean lpips_alex" in capsys.readouterr().err
    assert cli.main(["weights", "fetch"]) == 2


def test_the_text_names_the_licence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "someone" / "some" / "model.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert cli.main(["weights", "fetch", "some_base"]) == 0
    assert capsys.readouterr().out.strip() == f"weights some_base: here, {path.parent} (licence: MIT)"


def test_a_repository_without_known_files_is_one_row(builtins: Registry) -> None:
    spec = DecoderSpec("vae", lambda request: None, LatentSpace(4, 8), repo="someone/vae", subfolder="vae")  # type: ignore[arg-type, return-value]
    found = weights_of(spec)
    assert found is not None
    assert (found.repository, found.folders, found.files) == ("someone/vae", ("vae",), ())
    assert weights_of(replace(spec, weights=("random",))) is None
    assert "vae" in known_weights(replace(builtins, decoders={"vae": spec}))
