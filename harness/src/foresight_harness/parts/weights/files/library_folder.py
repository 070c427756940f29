"""A checkpoint folder as the libraries read it: with exactly the files that hold its weights, under fixed names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from foresight_harness.parts.weights.checkpoint import check_weights
from foresight_harness.parts.weights.files.headers import header_of
from foresight_harness.parts.weights.files.weight_files import ENDING, INDEX, find_weights

WHOLE = f"model{ENDING}"


@contextmanager
def library_folder(folder: Path) -> Iterator[Path]:
    """The folder itself where a library that reads it by fixed names reads its weights alone; else one of links.

    Shards without an index get one, a file of another name is called ``model.safetensors``, and adapters beside the
    weights, which some libraries would apply, are not there. Nothing is copied where the system makes links.

    Raises:
        CheckpointError: from ``check_weights``.
    """
    check_weights(folder)
    found = find_weights(folder)
    if found.plain:
        yield folder
        return
    with TemporaryDirectory(prefix="foresight-weights-") as made:
        place = Path(made)
        if (folder / "config.json").is_file():
            _bring(folder / "config.json", place / "config.json")
        if len(found.read) == 1:
            _bring(found.read[0], place / WHOLE)
        else:
            where = {name: path.name for path in found.read for name in header_of(path)}
            for path in found.read:
                _bring(path, place / path.name)
            (place / f"model{INDEX}").write_text(json.dumps({"metadata": {}, "weight_map": where}), encoding="utf-8")
        yield place


def _bring(source: Path, target: Path) -> None:
    """A link; where there are none (Windows without the right to make them) a hard link, at last a copy."""
    for link in (target.symlink_to, target.hardlink_to):
        with suppress(OSError, NotImplementedError):
            link(source.resolve())
            return
    shutil.copyfile(source, target)
