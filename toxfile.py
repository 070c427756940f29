"""One tox environment for each folder in plugins/, found by itself: ``tox list`` shows it the moment it exists."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tox.config.loader.memory import MemoryLoader
from tox.config.sets import ConfigSet
from tox.plugin import impl
from tox.session.state import State

PLUGINS = Path(__file__).parent / "plugins"
KITS = Path(__file__).parent / "kits"


def names() -> list[str]:
    """Names of the plugin folders."""
    return sorted(path.parent.name for path in PLUGINS.glob("*/pyproject.toml"))


def read(folder: Path) -> dict[str, Any]:
    """The ``pyproject.toml`` of a folder."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def test_group(name: str) -> list[str]:
    """What a plugin's tests need beside the plugin itself: group ``test`` of its own ``pyproject.toml``."""
    return list(read(PLUGINS / name).get("dependency-groups", {}).get("test", []))


def kits(name: str) -> list[Path]:
    """Folders in kits/ whose distributions a plugin declares; no registry has them."""
    declared = read(PLUGINS / name)["project"]["dependencies"]
    folders = sorted(path.parent for path in KITS.glob("*/pyproject.toml"))
    return [folder for folder in folders if any(each.startswith(read(folder)["project"]["name"]) for each in declared)]


@impl
def tox_extend_envs() -> tuple[str, ...]:
    """``plugin-<folder>`` for each."""
    return tuple(f"plugin-{name}" for name in names())


@impl
def tox_add_core_config(core_conf: ConfigSet, state: State) -> None:
    """What differs between them: dependencies and the folder under test."""
    root = Path(__file__).parent
    for name in names():
        deps = [
            f"-e {root / 'harness'}",
            *(f"-e {kit}" for kit in kits(name)),
            f"-e {PLUGINS / name}",
            *test_group(name),
        ]
        loader = MemoryLoader(
            description=f"tests of plugins/{name} with its dependencies only",
            deps="\n".join(deps),
            # Pins by variable, so that the dependency groups, which tox installs by themselves, are pinned too.
            set_env={
                "FORESIGHT_PLUGIN": name,
                "OMP_NUM_THREADS": "1",
                "UV_CONSTRAINT": str(root / "constraints" / "workspace.txt"),
            },
        )
        state.conf.memory_seed_loaders[f"plugin-{name}"].append(loader)
