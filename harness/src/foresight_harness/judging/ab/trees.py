"""The two source trees: the working tree (head), and a git worktree of another commit (base) while it is needed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from foresight_harness.contracts.errors import UsageError


@dataclass(frozen=True)
class Tree:
    """Source code at a place."""

    root: Path
    ref: str
    """As the user wrote it; ``working tree`` for the head."""
    sha: str
    changed: int = 0
    """Files that differ from the commit, untracked ones too."""

    @property
    def named(self) -> str:
        """``main (1a2b3c4)``."""
        return f"{self.ref} ({self.sha[:7]}{', changed' if self.changed else ''})"

    def sources(self) -> list[Path]:
        """The ``src`` folder beside every tracked ``pyproject.toml``: what is imported of this tree.

        Raises:
            UsageError: where there is none.
        """
        listed = git(self.root, "ls-files", "-z", "--", "pyproject.toml", "*/pyproject.toml").split("\0")
        found = [self.root / Path(name).parent / "src" for name in listed if name]
        found = [folder for folder in found if folder.is_dir()]
        if not found:
            raise UsageError(f"{self.named} holds no src folder beside a pyproject.toml: there is no package to time")
        return found


def working_tree(start: Path) -> Tree:
    """The repository around a folder, as it stands. Raises: UsageError."""
    try:
        root = Path(git(start, "rev-parse", "--show-toplevel").strip())
        sha = git(root, "rev-parse", "HEAD").strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(f"ab compares two commits, and {start} lies in no git repository that has one") from error
    changed = [line for line in git(root, "status", "--porcelain").splitlines() if line]
    return Tree(root, "working tree", sha, len(changed))


def commit_of(root: Path, ref: str) -> str:
    """Full id of a commit. Raises: UsageError where there is no such one here."""
    try:
        return git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()
    except subprocess.CalledProcessError as error:
        raise UsageError(
            f"--base {ref}: no such commit, branch or tag in {root}; fetch it first (a shallow clone has only its tip)"
        ) from error


@contextmanager
def checked_out(root: Path, ref: str) -> Iterator[Tree]:
    """A commit in a worktree of its own outside the repository, removed at the end whatever happens.

    Raises:
        UsageError: where there is no such commit, or git cannot check it out.
    """
    sha = commit_of(root, ref)
    place = Path(tempfile.mkdtemp(prefix="foresight-ab-"))
    tree = place / "base"
    try:
        try:
            # Hooks of the repository are made for people's checkouts.
            git(root, "-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", str(tree), sha)
        except subprocess.CalledProcessError as error:
            reason = " ".join(str(error.stderr).split())[:200]
            raise UsageError(f"--base {ref}: git could not check out {sha[:7]}: {reason}") from error
        yield Tree(tree, ref, sha)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run(["git", "worktree", "prune"], cwd=root, capture_output=True, check=False)


def git(where: Path, *arguments: str) -> str:
    """Standard output of git. Raises: subprocess.CalledProcessError."""
    done = subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout
