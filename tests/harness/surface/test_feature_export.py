"""Streams of features as files: equal to the cache, the same bytes each time, with a manifest."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import UsageError
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command import main
from foresight_harness.surface.feature_export import FORMS, Stream, export_features, plain
from safetensors.torch import load_file

pytestmark = pytest.mark.usefixtures("few_pictures")


@pytest.fixture
def workshop(make_keeper):
    return make_keeper().workshop


def pixels(workshop) -> list[Stream]:
    return [Stream(workshop.registry.encoder("pixels"), "patch")]


def cached(workshop, split: str) -> torch.Tensor:
    (choice,) = workshop.options.datasets
    decoded = workshop.splits.decoded(choice, split)
    return workshop.extraction.grids(workshop.registry.encoder("pixels"), "patch", decoded).array.whole()


def export(workshop, folder: Path, **how):
    return export_features(workshop, pixels(workshop), workshop.options.datasets, ("train", "test"), folder, **how)


def test_safetensors_hold_what_the_cache_holds_in_its_order(workshop, tmp_path: Path) -> None:
    content = export(workshop, tmp_path / "out", shard_bytes=10 * 16 * 16 * 588 * 4)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == json.loads(json.dumps(content))
    for one in content["streams"]:
        tokens = torch.cat([load_file(tmp_path / "out" / shard["file"])["tokens"] for shard in one["shards"]])
        assert torch.equal(tokens, cached(workshop, one["split"]))
        assert list(tokens.shape) == [one["n"], *one["shape"]]
        assert [shard["first"] for shard in one["shards"]] == [0, 10, 20][: len(one["shards"])]
        for shard in one["shards"]:
            assert hashlib.sha256((tmp_path / "out" / shard["file"]).read_bytes()).hexdigest() == shard["sha256"]
    train = content["streams"][0]
    assert len(train["shards"]) == 3
    split = workshop.splits.decoded(workshop.options.datasets[0], "train")
    assert (train["ids"], train["fingerprint"]) == (list(split.ids), split.fingerprint)
    assert train["weights"]["kind"] == "none"
    assert train["grid"] | {"order": ""} == {"frames": 1, "rows": 16, "columns": 16, "channels": 588, "order": ""}


def test_webdataset_holds_a_pair_a_sample_without_times_and_owners(workshop, tmp_path: Path) -> None:
    content = export(workshop, tmp_path / "out", form="webdataset")
    (train, test) = content["streams"]
    found, ids = [], []
    for shard in test["shards"]:
        with tarfile.open(tmp_path / "out" / shard["file"]) as archive:
            for entry in archive:
                assert (entry.mtime, entry.uid, entry.uname) == (0, 0, "")
                read = archive.extractfile(entry).read()  # type: ignore[union-attr]
                key, _, ending = entry.name.partition(".")
                assert key == f"{len(found):09d}"
                if ending == "json":
                    ids.append(json.loads(read)["id"])
                else:
                    found.append(np.load(io.BytesIO(read)))
    assert np.array_equal(np.stack(found), cached(workshop, "test").numpy())
    assert ids == test["ids"]
    assert train["dtype"] == "float32"


def test_the_same_features_are_the_same_bytes(workshop, tmp_path: Path) -> None:
    for form in ("safetensors", "webdataset"):
        export(workshop, tmp_path / f"a{form}", form=form)
        export(workshop, tmp_path / f"b{form}", form=form)
        first, second = (
            {file.relative_to(tmp_path / name): file.read_bytes() for file in sorted((tmp_path / name).rglob("*.*"))}
            for name in (f"a{form}", f"b{form}")
        )
        assert first == second
        assert len(first) == 3


def test_half_precision_is_kept_where_the_format_has_it(tmp_path: Path) -> None:
    tokens = torch.randn(2, 1, 3, 3, 4).bfloat16()
    for form, name in (("safetensors", "a.safetensors"), ("webdataset", "a.tar")):
        FORMS[form](tmp_path / name, tokens, 0, ("one", "two"))
    assert torch.equal(load_file(tmp_path / "a.safetensors")["tokens"], tokens)
    with tarfile.open(tmp_path / "a.tar") as archive:
        read = archive.extractfile("000000001.npy").read()  # type: ignore[union-attr]
    assert np.array_equal(np.load(io.BytesIO(read)), tokens[1].float().numpy())


def test_names_that_are_no_folders_are_told_apart() -> None:
    assert plain("random:dinov2_tiny@last") != plain("random_dinov2_tiny@last") == "random_dinov2_tiny@last"
    assert "/" not in plain("../../x@y")
    assert not plain("../../x@y").startswith(".")


def test_a_folder_in_use_and_nothing_to_write_are_refused(workshop, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(UsageError, match="not empty"):
        export(workshop, tmp_path)
    with pytest.raises(UsageError, match="no stream"):
        export_features(workshop, [], workshop.options.datasets, ("test",), tmp_path / "x")


def test_the_verb_writes_the_streams_of_a_run_from_its_cache(scored_run: Path, tmp_path: Path, capsys) -> None:
    run, out = str(scored_run), str(tmp_path / "out")
    assert main(["export-features", run, "pixels@*", "-o", out, "--split", "test", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["streams"]
    records = RunData.load(scored_run).records
    assert (one["stream"], one["n"]) == ("pixels@patch", 16)
    assert one["fingerprint"] == next(record.fingerprint for record in records)
    assert main(["export-features", run, "pixl@*", "-o", f"{out}2"]) == 2
    assert "no candidate 'pixl@*'" in capsys.readouterr().err
    assert main(["export-features", run, "-o", f"{out}2", "--scale", "small"]) == 2
    assert "says that itself" in capsys.readouterr().err
    assert main(["export-features", run, "-o", f"{out}2", "--dataset", "kinds"]) == 2
    assert "the run has shapes" in capsys.readouterr().err


def test_the_verb_writes_a_stream_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["export-features", "pixels@patch", "-o", "out", "--dataset", "shapes", "--split", "test", "--json"]
    assert main([*words, "--train-size", "16"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [(one["stream"], one["split"], one["n"]) for one in content["streams"]] == [("pixels@patch", "test", 16)]
    assert main(["export-features", "pixel@patch", "-o", "other", "--dataset", "shapes"]) == 2
    assert "pixels" in capsys.readouterr().err
    assert not Path("other").exists()
