"""A disk that fills up."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class SmallDisk:
    """A folder that holds 12 MiB, until it is enlarged."""

    path: Path
    mounted: bool

    def enlarge(self) -> None:
        """Make room."""
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,size=256m", self.path], check=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A tmpfs of 12 MiB; where this user may not mount, files of this process cannot grow beyond 12 MiB."""
    path = tmp_path / "disk"
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", path], capture_output=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if made.returncode:
        resource.setrlimit(resource.RLIMIT_FSIZE, (12 * 2**20, before[1]))
    yield SmallDisk(path, mounted=made.returncode == 0)
    if made.returncode == 0:
        subprocess.run(["umount", "--lazy", path], check=True)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
