"""From templates to files: plain text with ``$name``, filled by ``string.Template``."""

from __future__ import annotations

import shutil
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from tempfile import mkdtemp

from foresight_harness.contracts.errors import UsageError
from foresight_harness.surface.plugin_templates.kinds import PluginKind

SUFFIX = ".tmpl"
"""Of every template, so that no tool takes one for the file it makes."""


def rendered(name: str, kind: PluginKind) -> dict[str, str]:
    """Every file of a new plugin: path below its folder -> text."""
    package = f"foresight_{name}"
    words = {
        "name": name,
        "package": package,
        "distribution": package.replace("_", "-"),
        "title": "".join(part.capitalize() for part in name.split("_")),
        "summary": kind.summary,
        "dependencies": "\n".join(f'  "{one}",' for one in kind.dependencies),
    }
    root = files("foresight_harness.surface.plugin_templates") / "templates"
    found: dict[str, str] = {}
    for path, template in [*_templates(root / "common"), *_templates(root / kind.name)]:
        place = f"src/{path}" if path.startswith("package/") else path
        place = place.replace("package/", f"{package}/", 1).removesuffix(SUFFIX)
        text = Template(template.read_text(encoding="utf-8")).substitute(words)
        found[place] = _imports_sorted(text) if place.startswith("tests/") else text
    return found


def _imports_sorted(text: str) -> str:
    """The text with its first block of ``from`` lines sorted: where the package's own stands depends on its name."""
    lines = text.split("\n")
    start = next(index for index, line in enumerate(lines) if line.startswith("from foresight_"))
    end = next(index for index in range(start, len(lines)) if not lines[index].startswith("from "))
    lines[start:end] = sorted(lines[start:end], key=lambda line: line.split()[1])
    return "\n".join(lines)


def write_plugin(folder: Path, name: str, kind: PluginKind) -> list[Path]:
    """Write a new plugin, all of it or nothing.

    Args:
        folder: Where; it does not exist yet.
        name: Checked by ``check_name``.
        kind: What it offers.

    Returns:
        The files written, sorted.

    Raises:
        UsageError: if the place cannot be written.
    """
    texts = rendered(name, kind)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix=f".{name}-", dir=folder.parent))
    except OSError as error:
        raise UsageError(f"{folder.parent} cannot be written ({error.strerror}); name another --out DIR") from error
    try:
        draft.chmod(0o755)
        for place, text in texts.items():
            path = draft / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise UsageError(f"{folder} cannot be written ({error.strerror}); name another --out DIR") from error
    return sorted(folder / place for place in texts)


def _templates(folder: Traversable, below: str = "") -> list[tuple[str, Traversable]]:
    """Templates of a folder with their paths below it, sorted."""
    found: list[tuple[str, Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _templates(entry, f"{below}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            found.append((f"{below}{entry.name}", entry))
    return found
