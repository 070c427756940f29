"""Where the trained trunk of LPIPS lies on this machine, if it does. Nothing here imports torch or uses a network."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.parts.weights.checkpoint import MIRROR_VARIABLE

Trunk = Literal["alex", "vgg"]

TRUNK_FILES: dict[Trunk, str] = {"alex": "alexnet-owt-7be5be79.pth", "vgg": "vgg16-397923af.pth"}
"""torchvision's ImageNet classifiers; the hexadecimal part is the start of the file's sha256."""

LPIPS = "lpips"
LPIPS_RANDOM_TRUNK = "lpips_random_trunk"


def trunk_folders() -> tuple[Path, ...]:
    """Folders that may hold trunks: ``$FORESIGHT_WEIGHTS/torchvision``, then torch's own checkpoint folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    torch_home = Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser()
    folders = (torch_home / "hub" / "checkpoints",)
    mirror = os.environ.get(MIRROR_VARIABLE)
    return (Path(mirror).expanduser() / "torchvision", *folders) if mirror else folders


def find_trunk(trunk: Trunk = "alex") -> Path | None:
    """File of a trunk, not yet verified; None where there is none."""
    return next((path for folder in trunk_folders() if (path := folder / TRUNK_FILES[trunk]).is_file()), None)


def verify_trunk(path: Path) -> None:
    """Hold a trunk's content to the hash in its name; torchvision does so only when it downloads.

    Raises:
        CheckpointError: if the content is another.
    """
    wanted = path.stem.rsplit("-", 1)[-1]
    stat = path.stat()
    found = _sha256(path, stat.st_size, stat.st_mtime_ns)
    if not found.startswith(wanted):
        raise CheckpointError(
            f"LPIPS trunk {path} has sha256 {found[:8]}..., its name says {wanted}; it is damaged or another file: "
            f"replace it, or remove it to use {LPIPS_RANDOM_TRUNK}"
        )


def lpips_metric_name() -> str:
    """``lpips`` where its trained trunk lies on this machine, else ``lpips_random_trunk``. Cheap."""
    return LPIPS if find_trunk("alex") else LPIPS_RANDOM_TRUNK


@lru_cache(maxsize=8)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Size and time are part of the memory key so that a changed file is read again."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
