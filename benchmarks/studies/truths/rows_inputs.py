"""Rows about texts, secrets, fingerprints and pictures that come from outside."""

from __future__ import annotations

import re

from checkout import PIXELS, Place, Seen, expect, records_of
from made import coco, plugin
from PIL import Image

DOUBLED = """
import torch
from foresight_harness import DatasetSpec, hookimpl
from foresight_harness.protocols import Sample


class Doubled:
    name = "doubled"

    def __init__(self, request):
        self.split, self.count, self.px = request.split, 24, request.canvas_px
        self.fingerprint = f"doubled-{request.split}-{request.canvas_px}"

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        draw = torch.Generator().manual_seed(index + 1000 * (self.split == "test"))
        corner = torch.rand(2, generator=draw) * 0.5
        box = torch.cat([corner, corner + 0.2 + 0.3 * torch.rand(2, generator=draw)])
        clip = torch.rand(1, 3, self.px, self.px, generator=draw) * 0.3
        x0, y0, x1, y1 = (int(side * self.px) for side in box)
        clip[..., y0:y1, x0:x1] = 0.9
        who = f"{self.split}-{index // 2}"
        return Sample(id=who, group=who, clip=clip, boxes=box.reshape(1, 1, 4), labels=("a",))


@hookimpl
def foresight_datasets():
    return [DatasetSpec("doubled", Doubled, labels=frozenset({"boxes"}))]
"""
MIB_OF_ONE_PICTURE = 300
"""What a session may grow by for a picture that it refuses; the picture has 507 MiB in RGB."""


def r7(place: Place) -> Seen:
    """No text from outside begins a line that a CI runner obeys, and no secret of an address is kept."""
    folder = coco(place.folder / "wild", file_name={0: "gone\n::error::obeyed.png"})
    wild = place.score("--dataset", f"coco:{folder}")
    obeyed = len(re.findall(r"^::error::obeyed", wild.text, re.MULTILINE))
    source = ("--weights-source", "dinov2_tiny=https://user:hunter2@example.org/w")
    expect(place.score(*source, candidates=["dinov2_tiny@last/identity/single/linear"]), 0, 1)
    kept = [path.name for path in place.folders()[-1].rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    return Seen(
        "gone" in wild.text and not obeyed and not kept,
        f"lines that a runner obeys: {obeyed}; files with the secret: {', '.join(sorted(kept)) or 'none'}",
    )


def r11(place: Place) -> Seen:
    """Every picture of a page has a file of its own."""
    ids = [letter * 3 for letter in "街景一二三四五六七八九十日本山川水火木金土月人口"]
    folder = coco(place.folder / "letters", ids=ids)
    expect(place.score("--dataset", f"coco:{folder}"), 0)
    files = len(list((place.run() / "media").rglob("*.webp")))
    return Seen(files > 1, f"{files} picture files for the pictures of 12 samples")


def r12(place: Place) -> Seen:
    """The order of a list changes no fingerprint; a changed pixel does."""
    found = {}
    for name, how in (("plain", {}), ("turned", {"order": -1}), ("changed", {"level": 9})):
        folder = coco(place.folder / name, **how)
        expect(place.score("--dataset", f"coco:{folder}"), 0)
        found[name] = {record["fingerprint"] for record in records_of(place.folders()[-1])}
    same, told = found["plain"] == found["turned"], found["plain"].isdisjoint(found["changed"])
    return Seen(same and told, f"order of the list: {'the same' if same else 'another'}; a pixel told apart: {told}")


def r13(place: Place) -> Seen:
    """A data set with doubled ids costs no other one its conclusions."""
    plugin(place, "doubled", DOUBLED)
    candidates = [PIXELS, "dinov2_tiny@last/identity/single/linear"]
    done = expect(place.score("--dataset", "shapes", "--dataset", "doubled", candidates=candidates), 0, 1)
    failed = re.findall(r"analysis (\w+) failed", done.text)
    scored = {record["dataset"] for record in records_of(place.run()) if record["status"] == "ok"}
    return Seen(
        "shapes" in scored and not failed,
        f"scored: {', '.join(sorted(scored))}; analyses that failed: {', '.join(failed) or 'none'}",
    )


def r14(place: Place) -> Seen:
    """Pins carry hashes, uv is pinned, there is a SECURITY.md, and sizes of pictures are read from their headers."""
    pins = (place.checkout / "constraints" / "workspace.txt").read_text(encoding="utf-8")
    makefile = (place.checkout / "Makefile").read_text(encoding="utf-8")
    files = {
        "hashes": "--hash=sha256:" in pins,
        "uv": re.search(r"pip install.*\buv$", makefile.replace("; \\\n", "\n"), re.MULTILINE) is None,
        "SECURITY.md": (place.checkout / "SECURITY.md").is_file(),
    }
    plain = expect(place.score("--dataset", f"coco:{coco(place.folder / 'plain')}"), 0)
    folder = coco(place.folder / "huge")
    Image.new("RGB", (13000, 13000)).save(folder / "images" / "0000.png")
    huge = place.score("--dataset", f"coco:{folder}")
    grown = huge.peak_mib - plain.peak_mib
    refused = huge.code != 0 and "0000.png" in huge.text
    missing = ", ".join(name for name, there in files.items() if not there) or "none"
    return Seen(
        not missing.replace("none", "") and refused and grown < MIB_OF_ONE_PICTURE,
        f"missing: {missing}; a picture of 169 Mpx refused: {refused}, memory beside a plain run: {grown:+.0f} MiB",
    )
