"""``foresight-bench doctor``: is this machine ready, and if not, what to do."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import NamedTuple

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.parts.metrics.trunks import LPIPS, examine_trunk, find_trunk, lpips_metric_name
from foresight_harness.parts.weights.folder import MIRROR_VARIABLE
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.run_folder.folder import check_writable
from foresight_harness.surface.command.printing import print_json, print_table

EXAMPLES = (
    "foresight-bench doctor",
    "foresight-bench doctor --out /data/runs",
    "foresight-bench doctor --json",
)
FREE_GIB = 5


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    state: str
    """``ok``, ``note`` (works, but know this) or ``broken``."""
    found: str
    advice: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--out``."""
    parser.add_argument("--out", default="runs", metavar="DIR")


def run(options: argparse.Namespace) -> int:
    """Print the findings; exit 1 where something is broken."""
    findings = [*_software(), *_plugins(), *_places(Path(options.out))]
    rows = [finding._asdict() for finding in findings]
    if options.json:
        print_json(rows)
    else:
        print_table("doctor", rows, ["check", "state", "found", "advice"])
    return 1 if any(finding.state == "broken" for finding in findings) else 0


def _software() -> list[Finding]:
    found = [
        Finding(
            "python",
            "ok" if sys.version_info >= (3, 11) else "broken",
            sys.version.split()[0],
            "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer",
        )
    ]
    try:
        import torch
    except ImportError as error:
        return [*found, Finding("torch", "broken", str(error), "make setup")]
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no CUDA device"
    advice = "" if torch.cuda.is_available() else "tiny encoders run on the CPU; published sizes want a GPU"
    found.append(Finding("torch", "ok" if not advice else "note", f"{torch.__version__}, {device}", advice))
    try:
        found.append(Finding("flash-attn", "ok", version("flash-attn")))
    except PackageNotFoundError:
        found.append(Finding("flash-attn", "note", "absent", "attention runs as sdpa; that is recorded"))
    found += [_loader("bitsandbytes", "quantize"), _loader("accelerate", "device-map"), _video()]
    found.append(_lpips_trunk())
    mirror = os.environ.get(MIRROR_VARIABLE)
    if mirror is not None:
        there = Path(mirror).is_dir()
        found.append(Finding(MIRROR_VARIABLE, "ok" if there else "broken", mirror, "" if there else "no such folder"))
    return found


def _loader(package: str, option: str) -> Finding:
    """A package that only one option of a run needs."""
    try:
        return Finding(package, "ok", version(package))
    except PackageNotFoundError:
        return Finding(package, "note", "absent", f"for --{option}: pip install 'foresight-vlm-kit[{option}]'")


def _lpips_trunk() -> Finding:
    """AlexNet's trunk, looked into as the loader does: what a run would refuse is broken here too."""
    path = find_trunk("alex")
    if path is None:
        return Finding("lpips trunk", "note", lpips_metric_name(), "foresight-bench weights fetch lpips_alex")
    looked = examine_trunk(path, "alex")
    if looked.state == "wrong":
        return Finding("lpips trunk", "broken", looked.said, "foresight-bench weights fetch lpips_alex")
    return Finding("lpips trunk", "ok", f"{LPIPS}: {path}, {looked.said}")


def _video() -> Finding:
    """The reader of clips; only folders of clips (``video:DIR``) need one."""
    from foresight_harness.parts.datasets.video_reading import backend

    try:
        return Finding("video reader", "ok", backend())
    except ForesightError:
        return Finding("video reader", "note", "absent", "for video:DIR: pip install 'foresight-harness[video]'")


def _plugins() -> list[Finding]:
    try:
        registry = load_registry()
    except ForesightError as error:
        return [Finding("plugins", "broken", str(error), "see the message")]
    found = [
        Finding(
            f"plugin {plugin.name}",
            "broken" if plugin.error else "ok",
            plugin.error or plugin.version,
            f"reinstall or uninstall {plugin.distribution}" if plugin.error else "",
        )
        for plugin in registry.plugins
        if plugin.entry_point
    ]
    reporters = [point.name for point in entry_points(group="foresight_report")]
    advice = "" if reporters else "pip install foresight-reports"
    return [*found, Finding("report writer", "ok" if reporters else "note", ", ".join(reporters) or "absent", advice)]


def _places(out: Path) -> list[Finding]:
    try:
        check_writable(out)
        found = [Finding("run folders", "ok", str(out))]
    except ForesightError as error:
        found = [Finding("run folders", "broken", str(error), "choose another --out")]
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    found.append(
        Finding(
            "disk",
            "ok" if free >= FREE_GIB else "note",
            f"{free:.0f} GiB free",
            "" if free >= FREE_GIB else "features of published sizes need more",
        )
    )
    return found
