"""What a run ran on: software, hardware, source state."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

CORE = Path(__file__).resolve().parents[2]
DECIDING = ("contracts", "parts", "planning", "measuring", "running")
"""Wings of the core that have a part in records; those above conclude from them."""
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "faster-coco-eval", "lpips", "pytest", "pytest-benchmark")


def environment(plugin_facts: Mapping[str, str]) -> dict[str, str]:
    """Versions and source state, with the facts that plugins add. Text only."""
    facts = {"python": platform.python_version(), "platform": platform.platform(), **plugin_facts}
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "absent"
    facts["git_sha"], facts["git_dirty"] = git_state()
    facts["threads"] = os.environ.get("OMP_NUM_THREADS", "default")
    return facts


@lru_cache(maxsize=1)
def code_digest() -> str:
    """sha256 over the sources of the core that make records: a run goes on with the code that began it. 16 hex digits

    Those of plugins stand beside their names.
    """
    found = hashlib.sha256()
    for wing in DECIDING:
        for path in sorted((CORE / wing).rglob("*.py")):
            found.update(path.relative_to(CORE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def hardware() -> dict[str, Any]:
    """Processor, memory, accelerators and a fingerprint: latency is compared only where it is equal."""
    import psutil
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    stable = {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "ram_gib": round(psutil.virtual_memory().total / 2**30),
        "gpus": gpus,
    }
    fingerprint = hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()[:16]
    return {**stable, "fingerprint": fingerprint}


@lru_cache(maxsize=1)
def git_state() -> tuple[str, str]:
    """Commit of the working directory (``nogit`` where there is none), and ``yes`` where it has uncommitted changes."""
    try:
        sha = _git("rev-parse", "HEAD")
        return sha, "yes" if _git("status", "--porcelain", "--untracked-files=no") else "no"
    except (OSError, subprocess.CalledProcessError):
        return "nogit", "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or sys.platform
