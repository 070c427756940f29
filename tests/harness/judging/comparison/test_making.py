from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from foresight_harness.judging.comparison.comparing import compare
from foresight_harness.judging.comparison.making import made_otherwise, sentence
from foresight_harness.judging.comparison.table import finding
from foresight_harness.running.run_folder.run_data import RunData


def made(environment: dict[str, str], plugins: dict[str, str]) -> Any:
    rows = [{"name": name, "digest": digest} for name, digest in plugins.items()]
    return SimpleNamespace(manifest={"environment": environment, "plugins": rows})


def test_software_threads_and_plugin_code_are_named() -> None:
    base = made({"torch": "2.5.1", "threads": "2", "git_sha": "a"}, {"dinov2": "0123456789", "timm": "1"})
    head = made({"torch": "2.6.0", "threads": "4", "git_sha": "b"}, {"dinov2": "abcdef0123", "timm": "1"})
    assert made_otherwise(base, head) == (
        "torch 2.5.1 and 2.6.0",
        "threads 2 and 4",
        "code of plugin dinov2 01234567 and abcdef01",
    )
    assert made_otherwise(base, base) == ()


def test_attention_is_named_first_and_outside_text_is_one_line() -> None:
    before, after = SimpleNamespace(attention="sdpa"), SimpleNamespace(attention="eager\n::error::x")
    said = sentence(("a", "b", "c", "d"), before, after)  # type: ignore[arg-type]
    assert said == "made with attention sdpa and eager ::error::x, a, b, c, and 1 more"
    assert sentence((), before, before) == ""  # type: ignore[arg-type]


def test_an_equal_number_says_what_was_other(run_with, sentinels) -> None:
    base, head = RunData.load(run_with("base")), RunData.load(run_with("head"))
    base.manifest["environment"] = {"torch": "2.5.1"}
    head.manifest["environment"] = {"torch": "2.6.0"}
    found = compare(base, head, sentinels)
    assert {one.reason for one in found if one.verdict == "identical"} == {"made with torch 2.5.1 and 2.6.0"}
    assert "identical (made with torch 2.5.1 and 2.6.0)" in finding(found, "main")
