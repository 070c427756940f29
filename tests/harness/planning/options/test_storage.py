from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.options.options import options_from_json
from foresight_harness.planning.options.storage import mirror_bytes, mirror_of, place_of


def test_a_folder_is_itself_and_so_is_its_file_url() -> None:
    assert place_of("some/cache") == (Path("some/cache"), None)
    assert place_of("file:///net/the%20share/cache") == (Path("/net/the share/cache"), None)


@pytest.mark.parametrize("text", ["file://net/share", "s3://", "s3:///"])
def test_urls_that_name_no_place_are_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="--feature-cache") as refused:
        place_of(text)
    assert "\n" not in str(refused.value)


def test_copies_of_one_url_lie_in_one_folder_and_of_two_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORESIGHT_MIRROR", str(tmp_path))
    folder, url = place_of("s3://bucket/study/")
    assert url == "s3://bucket/study"
    assert folder == mirror_of("s3://bucket/study")
    assert folder.parent == tmp_path
    assert folder != mirror_of("s3://bucket/other")


def test_a_worker_keeps_copies_where_its_own_machine_wants_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORESIGHT_MIRROR", str(tmp_path / "driver"))
    folder, url = place_of("s3://bucket/study")
    sent = RunOptions(cache=folder, cache_url=url).as_json()
    monkeypatch.setenv("FORESIGHT_MIRROR", str(tmp_path / "node"))
    found = options_from_json(sent)
    assert found.cache_url == "s3://bucket/study"
    assert found.cache.parent == tmp_path / "node"


@pytest.mark.parametrize("text", ["much", "-1", "nan", "inf"])
def test_a_size_that_is_none_is_one_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESIGHT_MIRROR_GIB", text)
    with pytest.raises(UsageError, match="FORESIGHT_MIRROR_GIB"):
        mirror_bytes()
