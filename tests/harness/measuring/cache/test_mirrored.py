"""Features on S3, against a local server: who wins, what is checked, what is cleaned up, what is said when it fails."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import fsspec
import pytest
import torch
from foresight_harness.contracts.errors import UsageError
from foresight_harness.measuring.cache import mirrored
from foresight_harness.measuring.cache import store as store_module
from foresight_harness.measuring.cache.bucket import Bucket
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.mirrored import MirroredStore
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.surface.command import main

CHOICES = {"kind": "features", "encoder": "encoder_0", "tap": "last"}
KEY = content_key(CHOICES)
ITEMS = torch.arange(22 * 6, dtype=torch.float32).reshape(22, 2, 3)


def fill(store: MirroredStore, items: torch.Tensor = ITEMS, key: str = KEY) -> None:
    with store.writer(key, CHOICES) as writer:
        writer.add(items)


def system() -> Any:
    """The server itself, past any store."""
    return fsspec.filesystem("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], use_listings_cache=False)


def files(url: str) -> list[str]:
    return sorted(system().find(url))


@pytest.fixture
def here(s3: str, tmp_path: Path) -> MirroredStore:
    """A machine with a folder of copies of its own."""
    return MirroredStore(tmp_path / "here", s3)


@pytest.fixture
def there(s3: str, tmp_path: Path) -> MirroredStore:
    """Another machine on the same URL."""
    return MirroredStore(tmp_path / "there", s3)


def test_what_one_machine_writes_another_reads_by_memory_map(
    here: MirroredStore, there: MirroredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SHARD_BYTES", 200)
    with here.writer(KEY, CHOICES) as writer:
        for start in range(0, 22, 4):
            writer.add(ITEMS[start : start + 4])
    found = there.open(KEY)
    assert found is not None
    assert found.folder == there.folder(KEY)
    assert len(found.files) > 1
    assert torch.equal(found.take(range(22)), ITEMS)


def test_absent_entry_is_none_and_costs_no_object(here: MirroredStore, s3: str) -> None:
    assert here.open(KEY) is None
    assert files(s3) == []
    assert not here.away


def test_first_writer_wins_and_a_second_with_other_numbers_is_told(here: MirroredStore, there: MirroredStore) -> None:
    fill(here)
    with pytest.warns(UserWarning, match="not deterministic"):
        fill(there, ITEMS + 1)
    found = there.open(KEY)
    assert found is not None
    assert torch.equal(found.take(range(22)), ITEMS)


def test_second_writer_of_the_same_numbers_changes_nothing_behind_the_url(
    here: MirroredStore, there: MirroredStore, s3: str, recwarn: pytest.WarningsRecorder
) -> None:
    fill(here)
    before = files(s3)
    fill(there)
    assert files(s3) == before
    assert len(recwarn) == 0


def test_index_is_written_on_the_condition_that_there_is_none(s3: str) -> None:
    bucket = Bucket(s3)
    assert bucket.create_index(KEY, b"first")
    assert not bucket.create_index(KEY, b"second")
    assert bucket.index(KEY) == b"first"


def damage(url: str) -> None:
    """Flip bits of the one shard behind the URL."""
    name = next(path for path in files(url) if path.endswith(".safetensors"))
    content = bytearray(system().cat_file(name))
    content[-3] ^= 1
    system().pipe_file(name, bytes(content))


def test_flipped_bits_behind_the_url_are_never_read_and_the_entry_is_made_anew(
    here: MirroredStore, there: MirroredStore, s3: str
) -> None:
    fill(here)
    damage(s3)
    assert there.open(KEY) is None
    assert files(s3) == []
    fill(there)
    shutil.rmtree(here.root)
    again = MirroredStore(here.root, s3).open(KEY)
    assert again is not None
    assert torch.equal(again.take(range(22)), ITEMS)


@pytest.mark.parametrize("file", ["../../../mine.safetensors", "/tmp/mine.safetensors", "index.json", ""])
def test_an_index_cannot_choose_where_this_machine_writes(
    here: MirroredStore, there: MirroredStore, s3: str, file: str
) -> None:
    fill(here)
    place = next(name for name in files(s3) if name.endswith("/index.json"))
    index = json.loads(system().cat_file(place))
    index["shards"][0]["file"] = file
    system().pipe_file(place, json.dumps(index).encode())
    assert there.open(KEY) is None
    assert not list(there.root.parent.rglob("mine.safetensors"))
    assert not any(name.endswith("/index.json") for name in files(s3)), "the entry must go, so that it is made anew"


def test_flipped_bits_in_a_copy_are_fetched_anew(here: MirroredStore, s3: str) -> None:
    fill(here)
    shard = next(here.folder(KEY).glob("*.safetensors"))
    content = bytearray(shard.read_bytes())
    content[-3] ^= 1
    shard.write_bytes(content)
    found = MirroredStore(here.root, s3).open(KEY)
    assert found is not None
    assert torch.equal(found.take(range(22)), ITEMS)


def test_copies_are_brought_down_to_their_size_and_come_back_when_needed(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESIGHT_MIRROR_GIB", str(5000 / 2**30))
    keys = [content_key({**CHOICES, "tap": str(number)}) for number in range(3)]
    root = tmp_path / "small"
    for key in keys:
        fill(MirroredStore(root, s3), torch.rand(10, 100), key)
    assert len(list(root.glob("??/*"))) == 3  # all were used within the hour
    monkeypatch.setattr(mirrored, "FRESH_S", 0.0)
    last = MirroredStore(root, s3)
    fill(last, torch.rand(10, 100), content_key({**CHOICES, "tap": "3"}))
    assert len(list(root.glob("??/*"))) == 1
    assert all(last.open(key) is not None for key in keys)


def test_command_shows_checks_and_prunes_what_lies_behind_the_url(
    here: MirroredStore, s3: str, tmp_path, capsys
) -> None:
    fill(here)
    fill(here, ITEMS, content_key({**CHOICES, "tap": "first"}))
    common = ["--feature-cache", s3, "--out", str(tmp_path), "--json"]
    assert main(["cache", "info", *common]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [(row["of"], row["entries"]) for row in shown["rows"]] == [("encoder_0@last", 2)]
    assert main(["cache", "verify", *common]) == 0
    damage(s3)
    assert main(["cache", "verify", *common]) == 1
    assert main(["cache", "prune", "--max-gib", "0", *common]) == 0
    assert files(s3) == []


def test_reading_makes_an_entry_young_behind_the_url_too(here: MirroredStore, there: MirroredStore, s3: str) -> None:
    second = content_key({**CHOICES, "tap": "second"})
    fill(here)
    fill(here, ITEMS, second)
    before = {key: used for key, _, used in Bucket(s3).listed()}
    there.open(KEY)
    after = {key: used for key, _, used in Bucket(s3).listed()}
    assert after[KEY] >= before[KEY]
    assert any(path.endswith(f"{KEY}/used") for path in files(s3))
    assert not any(path.endswith(f"{second}/used") for path in files(s3))


def one_line(url: str) -> str:
    with pytest.raises(UsageError) as refused:
        Bucket(url).check()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_wrong_credentials_are_one_line_before_any_work(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto import settings

    Bucket(s3).check()
    monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
    said = one_line(s3)
    assert "refuses us" in said
    assert "AWS_SECRET_ACCESS_KEY" in said


def test_no_credentials_are_one_line(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "AWS_ACCESS_KEY_ID" in one_line(s3)


def test_absent_bucket_is_one_line(s3: str) -> None:
    assert "create it" in one_line("s3://no-such-bucket-here/study")


def test_unreachable_endpoint_is_one_line(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        said = one_line(s3)
    assert "cannot be reached" in said
    assert "AWS_ENDPOINT_URL" in said


def test_missing_package_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(url: str, **options: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(UsageError, match=r"pip install 'foresight-harness\[s3\]'"):
        Bucket("s3://bucket/folder")


def test_unknown_kind_of_url_is_one_line() -> None:
    with pytest.raises(UsageError, match="gopher:// is not known"):
        Bucket("gopher://host/folder")


def test_a_url_that_fails_in_a_run_costs_one_warning_and_no_features(
    here: MirroredStore, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    fill(here)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    lost = MirroredStore(here.root, here._bucket.url)
    with pytest.warns(UserWarning, match=r"cannot be reached.*goes on with what this machine has"):
        assert lost.open(KEY) is not None
    assert lost.open(content_key({"kind": "other"})) is None
    fill(lost, ITEMS, content_key({"kind": "other"}))
    assert len(recwarn) == 0
    assert lost.open(content_key({"kind": "other"})) is not None


@pytest.mark.usefixtures("few_pictures")
def test_a_run_on_another_machine_decodes_and_encodes_nothing_anew(
    make_keeper: Any, builtins: Any, planned: Any, s3: str, tmp_path: Path
) -> None:
    digests, forwards = [], []
    for machine in ("one", "two"):
        keeper = make_keeper(cache=tmp_path / machine, cache_url=s3)
        cell = planned(builtins, "oracle@mask/identity/single/linear", "alignment")
        keeper.plan([cell])
        keeper.run_cell(cell)
        digests.append(run_digests(keeper.folder.records()))
        forwards.append(sum(keeper.workshop.extraction.forwards.values()))
    assert forwards == [40, 0]
    assert digests[0] == digests[1] != {}
