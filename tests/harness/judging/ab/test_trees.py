from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.ab.trees import checked_out, working_tree


def git(where: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    return subprocess.run(["git", *identity, *arguments], cwd=where, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of a package; ``one`` names the first."""
    place = tmp_path / "repository"
    package = place / "parts" / "thing" / "src" / "thing"
    package.mkdir(parents=True)
    (package.parents[1] / "pyproject.toml").write_text("")
    git(tmp_path, "init", "--quiet", str(place))
    for text in ("one", "two"):
        (package / "__init__.py").write_text(text)
        git(place, "add", ".")
        git(place, "commit", "--quiet", "-m", text)
    git(place, "tag", "one", "HEAD~1")
    return place


def test_base_is_checked_out_elsewhere_and_removed_again(repository: Path) -> None:
    with checked_out(repository, "one") as base:
        assert base.named == f"one ({git(repository, 'rev-parse', 'one')[:7]})"
        (source,) = base.sources()
        assert (source / "thing" / "__init__.py").read_text() == "one"
        assert not base.root.is_relative_to(repository)
    assert not base.root.exists()
    assert git(repository, "worktree", "list").count("\n") == 1


def test_base_is_removed_where_measuring_is_interrupted(repository: Path) -> None:
    with pytest.raises(KeyboardInterrupt), checked_out(repository, "one") as base:
        raise KeyboardInterrupt
    assert not base.root.exists()
    assert git(repository, "worktree", "list").count("\n") == 1


def test_hooks_of_the_repository_are_not_run_for_it(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {repository}/ran\n")
    hook.chmod(0o755)
    with checked_out(repository, "one"):
        assert not (repository / "ran").exists()


@pytest.mark.parametrize("ref", ["nowhere", "--help", "0" * 40, "one:parts"])
def test_unknown_commit_is_one_line(repository: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="no such commit, branch or tag") as caught, checked_out(repository, ref):
        pass
    assert "\n" not in str(caught.value)


def test_changed_files_of_the_working_tree_are_counted(repository: Path) -> None:
    assert working_tree(repository / "parts").changed == 0
    (repository / "new").write_text("")
    (repository / "parts" / "thing" / "pyproject.toml").write_text("[x]")
    found = working_tree(repository / "parts")
    assert (found.root, found.changed) == (repository, 2)
    assert found.named.endswith(", changed)")


def test_a_folder_outside_any_repository_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies in no git repository"):
        working_tree(tmp_path)


def test_a_commit_without_a_package_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", str(tmp_path))
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "empty")
    with pytest.raises(UsageError, match="holds no src folder"):
        working_tree(tmp_path).sources()
