"""``foresight-bench data check``: what a data set holds, and how its boxes lie, before anything is scored on it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import DataError, UsageError
from foresight_harness.contracts.specs.data import MAX_PIXELS, DataRequest
from foresight_harness.contracts.text import one_line
from foresight_harness.parts.datasets.left_out import in_words
from foresight_harness.planning.options import DatasetChoice, parse_dataset
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.surface.command.printing import console, print_json, print_table

if TYPE_CHECKING:
    from foresight_harness.contracts.protocols import Dataset, Sample

EXAMPLES = (
    "foresight-bench data check /data/coco",
    "foresight-bench data check folder:/data/pictures --sheet boxes.png",
    "foresight-bench data check video:/data/clips --json",
)
TILES = 24
GENERATED = 24
"""Samples of a set that has no end."""
CANVAS_PX = 192
SHOWN_CLASSES = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``check PATH`` or ``check NAME:PATH``."""
    parser.add_argument("action", choices=("check",))
    parser.add_argument("data", metavar="PATH|NAME[:PATH]", help="a folder or file, or what --dataset takes")
    parser.add_argument("--sheet", type=Path, default=Path("data-check.png"), metavar="FILE", help="the contact sheet")
    parser.add_argument("--max-pixels", type=int, default=MAX_PIXELS, metavar="N", help="as for pytest")


def run(options: argparse.Namespace) -> int:
    """Print what was found; 1 where a picture of the contact sheet cannot be read."""
    registry = load_registry()
    choice = choice_of(options.data, registry)
    request = DataRequest("train", path=choice.path, canvas_px=CANVAS_PX, max_pixels=options.max_pixels)
    splits, refused = opened(choice, registry, request)
    samples, unreadable = tiles(splits)
    sheet = None
    if samples:
        from foresight_harness.parts.datasets.contact_sheet import contact_sheet

        sheet = options.sheet
        contact_sheet(samples).save(sheet)
    found = {
        "dataset": str(choice),
        "splits": {dataset.split: counts_of(dataset) for dataset in splits},
        "refused": refused,
        "left_out": _joined(splits),
        "remarks": list(dict.fromkeys(line for dataset in splits for line in getattr(dataset, "remarks", ()))),
        "unreadable": unreadable,
        "sheet": None if sheet is None else str(sheet),
    }
    print_json(found) if options.json else _print(found)
    return 1 if unreadable else 0


def choice_of(text: str, registry: Registry) -> DatasetChoice:
    """The data set that is meant: as written, else by what lies at the path. Raises: UsageError."""
    choice = parse_dataset(text)
    if choice.name in registry.datasets and not Path(text).exists():
        spec = registry.dataset(choice.name)
        if spec.needs_path and choice.path is None:
            raise UsageError(f"data check {text}: {choice.name} needs a folder: {choice.name}:DIR")
        return choice
    path = Path(text).expanduser()
    if not path.exists():
        raise UsageError(f"data check {text}: {path} does not exist; name a folder, a file, or NAME:PATH")
    return DatasetChoice(kind_at(path), str(path))


def kind_at(path: Path) -> str:
    """``coco``, ``video`` or ``folder``: what can be made of a path. Raises: UsageError where nothing can."""
    from foresight_harness.parts.datasets.coco_layouts import find_coco
    from foresight_harness.parts.datasets.folder import find_pictures
    from foresight_harness.parts.datasets.video_layouts import find_clips

    try:
        find_coco(path)
        return "coco"
    except DataError:
        pass
    try:
        if find_clips(path)[0] != "frames":  # numbered pictures are pictures, unless they are called clips
            return "video"
    except DataError:
        pass
    try:
        find_pictures(path)
    except DataError as error:
        raise UsageError(f"data check {path}: neither annotations nor clips, and {error}") from error
    return "folder"


def opened(choice: DatasetChoice, registry: Registry, request: DataRequest) -> tuple[list[Dataset], dict[str, str]]:
    """Both splits of a set, and why one of them is none. Raises: DataError where neither is one."""
    from dataclasses import replace

    if choice.name == "coco":
        from foresight_harness.parts.datasets.coco import CocoFolder

        return [dataset for dataset in CocoFolder.both(request) if len(dataset)], {}
    spec = registry.dataset(choice.name)
    count = None if spec.needs_path else GENERATED
    splits: list[Dataset] = []
    refused: dict[str, str] = {}
    for split in ("train", "test"):
        try:
            splits.append(spec.build(replace(request, split=split, count=count)))  # type: ignore[arg-type]
        except DataError as error:
            refused[split] = str(error)
    if not splits:
        raise DataError(refused["train"])
    return splits, refused


def counts_of(dataset: Dataset) -> dict[str, Any]:
    """Pictures, objects, crowds and classes of a split; sets that do not say them are decoded."""
    counts = getattr(dataset, "counts", None)
    if counts is not None:
        return dict(counts())
    samples = [dataset[index] for index in range(len(dataset))]
    classes: dict[str, int] = {}
    for name in (name for sample in samples for name in sample.labels):
        classes[name] = classes.get(name, 0) + 1
    objects = sum(int(sample.boxes.shape[1]) for sample in samples)
    return {"pictures": len(samples), "objects": objects, "crowds": 0, "classes": classes}


def tiles(splits: list[Dataset]) -> tuple[list[Sample], list[str]]:
    """Samples for the contact sheet, spread evenly over the splits, and messages of those that cannot be read."""
    samples, unreadable = [], []
    for dataset in splits:
        wanted = max(1, TILES // len(splits))
        for index in sorted({round(n * (len(dataset) - 1) / max(1, wanted - 1)) for n in range(wanted)}):
            try:
                samples.append(dataset[index])
            except DataError as error:
                unreadable.append(str(error))
    return samples, unreadable


def _joined(splits: list[Dataset]) -> dict[str, int]:
    """What was left out; sets count it over the whole source, whichever split they are."""
    found: dict[str, int] = {}
    for dataset in splits:
        for what, count in getattr(dataset, "left_out", {}).items():
            found[what] = max(count, found.get(what, 0))
    return found


def _print(found: dict[str, Any]) -> None:
    rows = []
    for split, counts in found["splits"].items():
        classes = list(counts["classes"].items())
        told = ", ".join(f"{one_line(name)} {count}" for name, count in classes[:SHOWN_CLASSES])
        more = f" and {len(classes) - SHOWN_CLASSES} more" if len(classes) > SHOWN_CLASSES else ""
        rows.append({"split": split, **counts, "classes": told + more})
    print_table(one_line(found["dataset"]), rows, ["split", "pictures", "objects", "crowds", "classes"])
    lines = [f"{split}: {reason}" for split, reason in found["refused"].items()]
    if found["left_out"]:
        lines.append(f"left out: {in_words(found['left_out'])}")
    elif not found["unreadable"]:
        lines.append("nothing was left out")
    lines += [*found["remarks"], *(f"cannot be read: {reason}" for reason in found["unreadable"])]
    lines += [f"contact sheet: {found['sheet']}"] if found["sheet"] else []
    for line in lines:
        console().print(line, markup=False)
