"""Shared by all tests of the core: plugins that are installed from outside, and small runs."""

from __future__ import annotations

import gc
import html
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("OMP_NUM_THREADS", "2")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a slow test go first, so that no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Libraries and collected tests stay until the end, millions of objects: no collection of garbage walks them again.

    A run collects when a model leaves memory, and hundreds of small runs are scored in one process here.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def drawn_anew() -> None:
    """Every test draws the same numbers, alone or after whichever others its process ran."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if torch.cuda.is_available():
        torch.manual_seed(0)
    else:  # a hundredth of the time: no seed is kept, with the stack that set it, for a device that never comes
        torch.default_generator.manual_seed(0)


STATED_S = 0.07
"""What ``_fixed_work`` takes on the machine for which limits of processor time are stated."""


def _fixed_work() -> float:
    """Processor time of a piece of Python that never changes."""
    began, counts = time.process_time(), {}
    for number in range(200_000):
        name = f"name{number % 997}"
        counts[name] = counts.get(name, 0) + len(name) * number
    return time.process_time() - began


@pytest.fixture(scope="session")
def least_seconds() -> Callable[..., float]:
    """The least processor time of several tries, as it were on the machine for which limits are stated.

    ``least_seconds(work, limit, tries)``, where ``work()`` returns seconds of processor time; a try below the limit is
    the last. A machine that is slower, or made slower by what others do on it at that very moment, is told by a fixed
    piece of work around each try; one that is faster changes nothing.
    """

    def measure(work: Callable[[], float], limit: float, tries: int = 12) -> float:
        least = float("inf")
        before = _fixed_work()
        for _ in range(tries):
            seconds, after = work(), _fixed_work()
            least = min(least, seconds / max(1.0, (before + after) / 2 / STATED_S))
            if least < limit:
                break
            before = after
        return least

    return measure


@pytest.fixture(scope="session")
def page_text() -> Callable[[Path], str]:
    """What a page says, in words alone: candidates by their whole names, which short ones carry as a hint."""

    def said(page: Path) -> str:
        content = page.read_text(encoding="utf-8").replace("<wbr>", "").replace("\u200b", "")
        whole = re.sub(r'<bdi title="([^"]*)">.*?</bdi>', r"\1", content, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub("<[^>]+>", "", whole)).split())

    return said


@pytest.fixture(scope="session")
def dropin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of ``tests/dropin``, built and installed into a folder of its own, as pip would."""
    target = tmp_path_factory.mktemp("site")
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation"]
    command += ["--python", sys.executable, "--target", str(target), str(ROOT / "tests" / "dropin")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def dropin(dropin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The drop-in plugin, importable during one test; its counters start at zero."""
    monkeypatch.syspath_prepend(str(dropin_folder))
    yield dropin_folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "foresight_dropin"]:
        del sys.modules[name]


@pytest.fixture
def plugin_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Writes a one-file plugin with its entry point, without pip, and makes it importable during the test."""
    written: list[str] = []

    def write(name: str, source: str, *, distribution: str | None = None) -> Path:
        folder = tmp_path / f"site_{name}"
        distribution = distribution or f"foresight-{name}"
        info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[foresight]\n{name} = foresight_test_{name}\n")
        (folder / f"foresight_test_{name}.py").write_text(source)
        monkeypatch.syspath_prepend(str(folder))
        written.append(f"foresight_test_{name}")
        return folder

    yield write
    for module in written:
        sys.modules.pop(module, None)


ALONE = """
import importlib.abc, json, os, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith("foresight"):
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocked())
import torch
from safetensors.torch import load_file

torch.set_num_threads(1)
torch.export.save(torch.export.export(torch.nn.Linear(1, 1), (torch.ones(1, 1),)), "smallest.pt2")
torch.export.load("smallest.pt2").module()

def run(folder, part, file):
    sys.path.insert(0, folder)
    from load import load

    given = load_file(file)
    conditioner = load(folder, part)
    tokens = {name: given[f"tokens.{place}"] for place, name in enumerate(conditioner.inputs)}
    found = [conditioner({name: grid[:count] for name, grid in tokens.items()}) for count in (1, len(given["output"]))]
    found[-1].square().mean().backward()
    return {
        "shape": list(found[-1].shape),
        "difference": max(float((one - given["output"][: len(one)]).abs().max()) for one in found),
        "trainable": sum(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in conditioner.module.parameters()),
        "foresight": [name for name in sys.modules if name.startswith("foresight")],
    }

for line in sys.stdin:
    if os.fork():
        _, status = os.wait()
        print("end" if status == 0 else "failed", flush=True)
    else:
        print(json.dumps(run(*json.loads(line))), flush=True)
        os._exit(0)
"""
"""Runs each export in a process of its own that cannot import anything of ours, on one sample and on all.

The processes are forks of one that has loaded a smallest export: imports would be most of their time.
"""


@pytest.fixture(scope="session")
def run_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., dict[str, object]]]:
    """Loads a part of an exported fit without the harness, and says how far its output is from what is expected."""
    place = tmp_path_factory.mktemp("alone")
    errors = (place / "errors.txt").open("w+", encoding="utf-8")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
    parent = subprocess.Popen([sys.executable, "-c", ALONE], text=True, cwd=place, **pipes)  # type: ignore[call-overload]

    def run(folder: Path, part: str, tokens: list[object], output: object) -> dict[str, object]:
        from safetensors.torch import save_file

        file = place / "given.safetensors"
        given = {f"tokens.{place}": grid.contiguous() for place, grid in enumerate(tokens)}  # type: ignore[attr-defined]
        save_file({**given, "output": output.contiguous()}, file)  # type: ignore[attr-defined]
        parent.stdin.write(json.dumps([str(folder), part, str(file)]) + "\n")
        parent.stdin.flush()
        said = parent.stdout.readline()
        ended = parent.stdout.readline() if said.startswith("{") else said
        assert ended == "end\n", (place / "errors.txt").read_text(encoding="utf-8")
        found: dict[str, object] = json.loads(said)
        return found

    with errors, parent:
        yield run
        parent.stdin.close()


@pytest.fixture(scope="session")
def write_photographs() -> Callable[[Path], Path]:
    """Writes twelve crops of a real photograph in COCO's layout: JPEG and PNG, of unequal sizes, one box each."""

    def write(folder: Path) -> Path:
        from PIL import Image
        from skimage import data

        (folder / "images").mkdir(parents=True)
        astronaut = data.astronaut()
        images, annotations = [], []
        for index in range(12):
            height, width = 160 + 8 * index, 200 - 5 * index
            crop = astronaut[20 * index : 20 * index + height, 15 * index : 15 * index + width]
            name = f"picture_{index}.{'jpg' if index % 2 else 'png'}"
            Image.fromarray(crop).save(folder / "images" / name)
            split = ("train", "test")[index % 2]
            images.append({"id": index, "file_name": name, "height": height, "width": width, "split": split})
            box = [20 + 3 * index, 30, 60, 50]
            annotations.append(
                {"id": index, "image_id": index, "category_id": 1, "bbox": box, "area": 3000, "iscrowd": 0}
            )
        content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
        (folder / "annotations.json").write_text(json.dumps(content))
        return folder

    return write
